package key

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubescim/kubescim/internal/cli/output"
)

// maxKeyName is how long the name of a ScimApiKey can be, by its CRD.
const maxKeyName = 63

// options are what the command line says.
type options struct {
	key, namespace, tokenFile, form, notBefore string
	ends                                       lifetime
}

// wanted is what the options mean.
type wanted struct {
	key, namespace, tokenFile string
	// issued is when the token is made; notBefore is zero for at once, expiration for never.
	issued, notBefore, expiration time.Time
	format                        output.Format
}

func (o *options) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.key, "key", "", "name of the ScimApiKey that the token is for (required)")
	flags.StringVar(&o.tokenFile, "token-file", "", "file that is made for the token (required); one that is there is never overwritten")
	flags.StringVar(&o.notBefore, "not-before", "", "time from which the token works, such as 2027-01-31T09:00:00Z; at once when omitted")
	o.ends.addFlags(flags, "token")
	flags.StringVarP(&o.form, "output", "o", string(output.FormatYAML), "form of the ScimCredential: yaml or json")
}

// read says what the options mean at a time, and what is wrong with them. Times are in
// whole seconds, as Kubernetes stores them.
func (o *options) read(now time.Time) (wanted, error) {
	now = now.Truncate(time.Second)
	w := wanted{key: o.key, namespace: o.namespace, tokenFile: o.tokenFile, issued: now}
	if err := o.checkNames(); err != nil {
		return w, err
	}
	var err error
	if w.format = output.Format(o.form); !w.format.Structured() {
		return w, fmt.Errorf("--output=%q is none of the forms that there are: use yaml or json", o.form)
	}
	if w.notBefore, err = readTime("not-before", o.notBefore); err != nil {
		return w, err
	}
	if w.expiration, err = o.ends.read(now); err != nil {
		return w, err
	}
	switch {
	case w.expiration.IsZero():
		return w, nil
	case !w.expiration.After(now):
		return w, errors.New("the token would have expired already: set --expiration-time to a time to come")
	case !w.expiration.After(w.notBefore):
		return w, errors.New("the token would expire before it works: set --not-before to a time before the expiration")
	}
	return w, nil
}

func (o *options) checkNames() error {
	if o.key == "" {
		return errors.New("--key is missing: name the ScimApiKey that the token is for, for example --key=entra")
	}
	if problems := validation.IsDNS1123Subdomain(o.key); len(problems) > 0 || len(o.key) > maxKeyName {
		return fmt.Errorf("--key=%q is no name of a ScimApiKey: use lower-case letters, digits, '-' and '.', at most %d characters", o.key, maxKeyName)
	}
	if problems := validation.IsDNS1123Label(o.namespace); o.namespace != "" && len(problems) > 0 {
		return fmt.Errorf("--namespace=%q is no name of a namespace: use lower-case letters, digits and '-', at most 63 characters", o.namespace)
	}
	if o.tokenFile == "" {
		return errors.New("--token-file is missing: name a file that is made for the token, for example --token-file=acme.token")
	}
	return checkTokenFile(o.tokenFile)
}

// readTime reads the value of a flag that is a time; zero when it is not set.
func readTime(flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	read, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, fmt.Errorf("--%s=%q is no time by RFC 3339: write it with date, time and zone, for example 2027-01-31T09:00:00Z", flag, value)
	}
	return read.Truncate(time.Second), nil
}
