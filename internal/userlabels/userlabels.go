// Package userlabels says which labels the objects of users have by their attributes: it reads
// which ones a tenant wants, and makes the value of a label of the value of an attribute. It
// writes nothing.
package userlabels

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Definition is a label that users are to have.
type Definition struct {
	// Key is that of the label.
	Key string
	// Attribute is the path of the attribute that the label's value is made of.
	Attribute string
}

// Set is the labels that the users of a tenant have. It does not change. A nil Set has none.
type Set struct {
	labels []label // in the order of their keys
	digest string
}

type label struct {
	key string
	at  schema.Ref
}

// Parse returns the labels that are defined, for users of a resource type. Those with which
// something is wrong, which the error says, are left out.
func Parse(definitions []Definition, user *schema.ResourceType) (*Set, error) {
	var wrong []error
	s := &Set{}
	for _, defined := range definitions {
		at, err := resolve(user, defined.Attribute)
		if err == nil && Reserved(defined.Key) {
			err = errors.New("the key is in a domain that others go by: choose one without a domain, or in a domain of your own")
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("the label %q: %w", defined.Key, err))
			continue
		}
		s.labels = append(s.labels, label{key: defined.Key, at: at})
	}
	slices.SortFunc(s.labels, func(a, b label) int { return cmp.Compare(a.key, b.key) })
	s.digest = s.sum()
	return s, errors.Join(wrong...)
}

// resolve finds an attribute that has one value, of which a label can be made.
func resolve(user *schema.ResourceType, path string) (schema.Ref, error) {
	at, unknown := user.Resolve(path)
	switch {
	case unknown != nil:
		return at, errors.New(unknown.Problem)
	case at.Attr == nil:
		return at, fmt.Errorf("%q is a whole schema: name one of its attributes", path)
	}
	leaf := at.Leaf()
	switch {
	case leaf.Path() != path:
		return at, fmt.Errorf("%q has to be written %q", path, leaf.Path())
	case leaf.Secret() || at.Attr.Secret():
		return at, fmt.Errorf("%q is a secret, and labels are none", path)
	case leaf.Mutability == schema.ReadOnly || at.Attr.Mutability == schema.ReadOnly:
		return at, fmt.Errorf("%q is nothing that an identity provider writes", path)
	case at.Attr.MultiValued || leaf.MultiValued:
		return at, fmt.Errorf("%q may have several values, and a label has one", path)
	case leaf.Type != schema.TypeString && leaf.Type != schema.TypeBoolean:
		return at, fmt.Errorf("%q is a %s: labels are made of strings and booleans alone", path, leaf.Type)
	}
	return at, nil
}

// sum is the digest of the labels.
func (s *Set) sum() string {
	if len(s.labels) == 0 {
		return ""
	}
	sum := fnv.New64a()
	for _, one := range s.labels {
		fmt.Fprintf(sum, "%s=%s\n", one.key, one.at.Leaf().Path())
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Digest is short, and differs where the labels do; empty for none.
func (s *Set) Digest() string {
	if s == nil {
		return ""
	}
	return s.digest
}

// Of returns the labels of a user: those whose attributes have a value of which something is left.
func (s *Set) Of(user *scim.Resource) map[string]string {
	if s == nil || len(s.labels) == 0 {
		return nil
	}
	labels := make(map[string]string, len(s.labels))
	for _, one := range s.labels {
		if value := one.of(user); value != "" {
			labels[one.key] = value
		}
	}
	return labels
}

// of returns the label's value for a user; empty for none.
func (l label) of(user *scim.Resource) string {
	value := user.Value(l.at)
	if l.at.Sub != nil {
		whole, _ := value.(scim.Complex)
		value = whole[l.at.Sub.Name]
	}
	switch value := value.(type) {
	case bool:
		return strconv.FormatBool(value)
	case string:
		if l.at.Leaf().Folds() {
			value = fold.Key(value) // What is equal for SCIM is one label.
		}
		return Value(value)
	default:
		return ""
	}
}

// reserved are the domains of labels by which others tell what to do with an object: Kubernetes and
// its tools, Kubescim itself, and programs that delete or leave out what has a label of theirs.
var reserved = []string{"kubernetes.io", "k8s.io", "kubescim.dev", "argoproj.io", "fluxcd.io", "helm.sh", "velero.io"}

// Reserved reports whether a key is in a domain in which users have no labels by their attributes.
func Reserved(key string) bool {
	domain, _, has := strings.Cut(key, "/")
	return has && slices.ContainsFunc(reserved, func(other string) bool {
		return domain == other || strings.HasSuffix(domain, "."+other)
	})
}
