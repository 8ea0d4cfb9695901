// Package config reads the operator's configuration file: what whoever runs the
// operator decides for all tenants. What one tenant decides is in its ScimTenant.
//
// The author of a ScimTenant need not be trusted by whoever runs the operator:
// what a ScimTenant may ask the operator for, beyond its own namespace, is listed
// here.
package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"sigs.k8s.io/yaml"
)

// Config is the operator's configuration. docs/operator-configuration.md
// explains it to those who write it.
type Config struct {
	// Allow is what ScimTenants may ask for.
	Allow Allow `json:"allow"`
	// Endpoint is what a tenant gets whose spec names no host.
	Endpoint Endpoint `json:"endpoint"`
	// Servers is what all SCIM servers have in common.
	Servers Servers `json:"servers"`
	// NetworkPolicy is whom the pods of servers may talk to.
	NetworkPolicy NetworkPolicy `json:"networkPolicy"`
	// Credentials is what the ways in of all tenants have in common.
	Credentials Credentials `json:"credentials"`
}

// Credentials is what the ways in of all tenants have in common.
type Credentials struct {
	// MaxLifetimeDays is for how many days a ScimCredential may last from its issue,
	// whoever made it; 0: for ever.
	MaxLifetimeDays int32 `json:"maxLifetimeDays"`
}

// MaxLifetime is for how long a ScimCredential may last; zero: for ever.
func (c Credentials) MaxLifetime() time.Duration {
	return time.Duration(c.MaxLifetimeDays) * 24 * time.Hour
}

// longestLifetimeDays is ten years.
const longestLifetimeDays = 3650

// Default is what applies where there is no file, and where a file is silent.
func Default() Config {
	c := beforeFile()
	c.setListDefaults()
	return c
}

// Load reads a configuration file. Without a path, it is Default. A field that
// is not known, or a value that makes no sense, is an error that says where.
func Load(path string) (Config, error) {
	if path == "" {
		return Default(), nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // Whoever starts the operator names its file.
	if err != nil {
		return Config{}, fmt.Errorf("reading the operator's configuration: %w", err)
	}
	c, err := parse(text)
	if err != nil {
		return Config{}, fmt.Errorf("the operator's configuration %s: %w", path, err)
	}
	return c, nil
}

func parse(text []byte) (Config, error) {
	c := beforeFile()
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return Config{}, err
	}
	if err := refuseNull(text); err != nil {
		return Config{}, err
	}
	c.setListDefaults()
	return c, c.validate()
}

// refuseNull refuses a list of what is allowed that has nothing behind its name, not even
// []: whoever took out its items meant to allow none, and would allow what the default has.
func refuseNull(text []byte) error {
	var given struct {
		Allow map[string]any `json:"allow"`
	}
	if err := yaml.Unmarshal(text, &given); err != nil {
		return err
	}
	return refuseNullIn("allow", given.Allow)
}

func refuseNullIn(section string, given map[string]any) error {
	for _, field := range slices.Sorted(maps.Keys(given)) {
		name := section + "." + field
		switch value := given[field].(type) {
		case nil:
			return fmt.Errorf("%s: has no value; write [] to allow nothing, or leave it out for the default", name)
		case map[string]any:
			if err := refuseNullIn(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// beforeFile has the defaults that a file replaces. Those of lists come after it: where
// there is one already, a file would be read into its elements.
func beforeFile() Config {
	return Config{Servers: defaultServers()}
}

// setListDefaults gives the lists that are left out what they have by default.
func (c *Config) setListDefaults() {
	c.Allow.setDefaults()
	c.NetworkPolicy.setDefaults()
}

func (c *Config) validate() error {
	problems := slices.Concat(c.Allow.validate(), c.Endpoint.validate(), c.Servers.validate(), c.NetworkPolicy.validate())
	if days := c.Credentials.MaxLifetimeDays; days < 0 || days > longestLifetimeDays {
		problems = append(problems, fmt.Errorf("credentials.maxLifetimeDays: %d is not from 1 to %d days, and not 0, which is for ever", days, longestLifetimeDays))
	}
	return errors.Join(problems...)
}
