package key

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// createOptions are what the command line of `key create` says. What the values may be, the API
// server checks.
type createOptions struct {
	oauthClient, offline, once, readOnly, dryRun bool
	description, secretName, tokenFile           string
	resources, networks                          []string
	rotateEveryDays, overlapHours                int32
	ends                                         lifetime
}

// noOverlap is the value of a flag that was not set.
const noOverlap = -1

func (o *createOptions) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.oauthClient, "oauth-client", false, "make an OAuth client, with a secret for which it gets access tokens of an hour")
	flags.BoolVar(&o.offline, "offline", false, "have the token made elsewhere, with 'kubectl scim key generate'")
	flags.BoolVar(&o.readOnly, "read-only", false, "let the key read, and change nothing")
	flags.StringSliceVar(&o.resources, "resources", nil, "what the key sees: Users, Groups; all when omitted")
	flags.StringSliceVar(&o.networks, "allowed-cidrs", nil, "networks from which the key may be used, such as 203.0.113.0/24")
	flags.StringVar(&o.description, "description", "", "a note for people")
	flags.StringVar(&o.secretName, "secret-name", "", "Secret that the token is written into; named as the key when omitted")
	flags.BoolVar(&o.once, "once", false, "delete the Secret once the token is read: with --token-file at once, else when you say so")
	flags.Int32Var(&o.rotateEveryDays, "rotate-every-days", 0, "how old a token gets before another one is made; only on demand when omitted")
	flags.Int32Var(&o.overlapHours, "overlap-hours", noOverlap, "for how long the token before works after a rotation; 24 when omitted")
	o.ends.addFlags(flags, "key")
	flags.StringVar(&o.tokenFile, "token-file", "", "file that is made for the token; it is in its Secret alone when omitted")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print the ScimApiKey, and make nothing")
}

// read returns the key that the options are for.
func (o *createOptions) read(tenant, name string, now time.Time) (*scimv1alpha1.ScimApiKey, error) {
	if o.offline && (o.once || o.tokenFile != "" || o.rotateEveryDays > 0 || o.overlapHours != noOverlap) {
		return nil, errors.New("the operator hands over and rotates only what it makes: leave out --offline, or else --once, --token-file, --rotate-every-days and --overlap-hours")
	}
	end, err := o.ends.read(now.Truncate(time.Second))
	if err != nil {
		return nil, err
	}
	if !end.IsZero() && !end.After(now) {
		return nil, errors.New("the key would have expired already: set --expiration-time to a time to come")
	}
	if o.tokenFile != "" {
		if err := checkTokenFile(o.tokenFile); err != nil {
			return nil, err
		}
	}
	key := &scimv1alpha1.ScimApiKey{Spec: scimv1alpha1.ScimApiKeySpec{
		TenantRef: scimv1alpha1.TenantReference{Name: tenant}, Description: o.description, SecretName: o.secretName,
		Rotation: scimv1alpha1.Rotation{EveryDays: o.rotateEveryDays},
	}}
	key.Name = name
	o.apply(&key.Spec)
	if !end.IsZero() {
		key.Spec.ExpirationTime = metav1.NewTime(end)
	}
	return key, nil
}

// apply sets what stands for flags that are not values themselves.
func (o *createOptions) apply(spec *scimv1alpha1.ScimApiKeySpec) {
	if o.oauthClient {
		spec.OAuthClient = &scimv1alpha1.OAuthClient{}
		if o.offline {
			spec.OAuthClient.SecretIssuer = scimv1alpha1.TokenIssuerOffline
		}
	} else if o.offline {
		spec.BearerToken.Issuer = scimv1alpha1.TokenIssuerOffline
	}
	if o.readOnly {
		spec.Access = scimv1alpha1.APIKeyReadOnly
	}
	if o.once {
		spec.Delivery.Mode = scimv1alpha1.DeliveryOnce
	}
	if o.overlapHours != noOverlap {
		spec.Rotation.OverlapHours = ptr.To(o.overlapHours)
	}
	for _, resource := range o.resources {
		spec.Resources = append(spec.Resources, scimv1alpha1.APIKeyResource(resource))
	}
	for _, network := range o.networks {
		spec.AllowedCIDRs = append(spec.AllowedCIDRs, scimv1alpha1.CIDR(network))
	}
}

// lifetime are the flags that say when something ends.
type lifetime struct{ expiresIn, expiration string }

func (l *lifetime) addFlags(flags *pflag.FlagSet, noun string) {
	flags.StringVar(&l.expiresIn, "expires-in", "", fmt.Sprintf("how long the %s works, such as 90d, 1y or 12h; for ever when omitted", noun))
	flags.StringVar(&l.expiration, "expiration-time", "", "the same as a time, such as 2027-06-30T00:00:00Z")
}

// read returns when that is; zero for never.
func (l *lifetime) read(now time.Time) (time.Time, error) {
	if l.expiresIn == "" {
		return readTime("expiration-time", l.expiration)
	}
	if l.expiration != "" {
		return time.Time{}, errors.New("--expires-in and --expiration-time say the same thing twice: leave one of them out")
	}
	length, err := model.ParseDuration(l.expiresIn)
	if err != nil || length < model.Duration(time.Second) {
		return time.Time{}, fmt.Errorf("--expires-in=%q is no time that a token can work for: write it in y, w, d, h, m and s, for example 90d", l.expiresIn)
	}
	return now.Add(time.Duration(length)), nil
}
