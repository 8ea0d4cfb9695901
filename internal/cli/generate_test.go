package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/program"
)

// generateInto is the command line that makes a token in a file.
func generateInto(file string, more ...string) []string {
	return append([]string{"key", "generate", "--key=entra", "--token-file=" + file}, more...)
}

func TestGenerate(t *testing.T) {
	date := func(day, hour int) metav1.Time {
		return metav1.NewTime(time.Date(2026, 5, day, hour, 0, 0, 0, time.UTC))
	}
	for name, tc := range map[string]struct {
		args                  []string
		namespace             string
		notBefore, expiration metav1.Time
	}{
		"with what it must have": {},
		"as JSON":                {args: []string{"-o", "json"}},
		"for a namespace":        {args: []string{"-n", "acme"}, namespace: "acme"},
		"for some days":          {args: []string{"--expires-in=2d1h"}, expiration: date(3, 13)},
		"until a time":           {args: []string{"--expiration-time=2026-05-03T15:00:00+02:00"}, expiration: date(3, 13)},
		"from a time on":         {args: []string{"--not-before=2026-05-02T12:00:00Z", "--expires-in=1w"}, notBefore: date(2, 12), expiration: date(8, 12)},
		"from a time that is past": {
			args: []string{"--not-before=2026-04-30T12:00:00Z"}, notBefore: metav1.NewTime(time.Date(2026, 4, 30, 12, 0, 0, 0, time.UTC)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			file := filepath.Join(t.TempDir(), "token")
			r := run(generateInto(file, tc.args...)...)
			g.Expect(r.code).To(BeZero(), r.errs.String())

			token, err := os.ReadFile(file)
			g.Expect(err).NotTo(HaveOccurred())
			verifier, ok := apikey.VerifierOf(string(token))
			g.Expect(ok).To(BeTrue(), "the file has a token and nothing else")
			info, err := os.Stat(file)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))

			credential := &scimv1alpha1.ScimCredential{}
			g.Expect(yaml.UnmarshalStrict(r.out.Bytes(), credential)).To(Succeed())
			g.Expect(credential.TypeMeta).To(Equal(metav1.TypeMeta{APIVersion: "scim.kubescim.dev/v1alpha1", Kind: "ScimCredential"}))
			g.Expect(credential.ObjectMeta).To(Equal(metav1.ObjectMeta{Name: verifier.KeyID, Namespace: tc.namespace}))
			g.Expect(credential.Spec.APIKeyRef.Name).To(Equal("entra"))
			g.Expect(credential.Spec.IssueTime.Time).To(BeTemporally("==", noon.Truncate(time.Second)))
			g.Expect(credential.Spec.NotBefore.Equal(&tc.notBefore)).To(BeTrue(), "%v", credential.Spec.NotBefore)
			g.Expect(credential.Spec.ExpirationTime.Equal(&tc.expiration)).To(BeTrue(), "%v", credential.Spec.ExpirationTime)
			read, err := contract.VerifierOf(credential)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(read.Matches(string(token))).To(BeTrue())

			g.Expect(r.out.String() + r.errs.String()).NotTo(ContainSubstring(string(token)))
			g.Expect(r.errs.String()).To(And(ContainSubstring(file), ContainSubstring(verifier.KeyID)))
			for _, field := range []string{"status", "null", "creationTimestamp"} {
				g.Expect(r.out.String()).NotTo(ContainSubstring(field), "what nobody wrote")
			}
		})
	}
}

func TestWhatCannotBeReadSaysHowToMendIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no key":                      {[]string{"key", "generate", "--token-file=" + file}, "--key=entra"},
		"a key that cannot be":        {generateInto(file, "--key=Entra_1"), "lower-case letters"},
		"a namespace that cannot be":  {generateInto(file, "-n", "a/b"), "lower-case letters"},
		"no file":                     {[]string{"key", "generate", "--key=entra"}, "--token-file=acme.token"},
		"standard output":             {generateInto("-"), "must name a file"},
		"a time without a zone":       {generateInto(file, "--not-before=2027-01-31 09:00"), "2027-01-31T09:00:00Z"},
		"an expiration on a day":      {generateInto(file, "--expiration-time=2027-01-31"), "2027-01-31T09:00:00Z"},
		"both expirations":            {generateInto(file, "--expires-in=1d", "--expiration-time=2027-01-31T09:00:00Z"), "leave one of them out"},
		"a lifetime in words":         {generateInto(file, "--expires-in=90 days"), "for example 90d"},
		"a lifetime that is past":     {generateInto(file, "--expires-in=-1d"), "for example 90d"},
		"no lifetime":                 {generateInto(file, "--expires-in=0"), "for example 90d"},
		"an expiration in the past":   {generateInto(file, "--expiration-time=2026-05-01T12:00:00Z"), "a time to come"},
		"a token that never works":    {generateInto(file, "--not-before=2026-05-03T12:00:00Z", "--expires-in=2d"), "before the expiration"},
		"another form":                {generateInto(file, "-o", "table"), "use yaml or json"},
		"an argument":                 {generateInto(file, "okta"), "named with --key"},
		"a flag that there is not":    {generateInto(file, "--token=kscim_x"), "unknown flag: --token"},
		"a command that there is not": {[]string{"key", "genrate"}, `unknown command "genrate" for "kubectl scim key"`},
		"a group that there is not":   {[]string{"keys"}, `unknown command "keys" for "kubectl scim": did you mean key?`},
		"one that is cut short":       {[]string{"stat", "acme"}, `unknown command "stat" for "kubectl scim": did you mean status?`},
		"one that is like no other":   {[]string{"frobnicate"}, `unknown command "frobnicate" for "kubectl scim"` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := run(tc.args...)
			g.Expect(r.code).To(Equal(program.ExitUsage))
			g.Expect(r.errs.String()).To(And(ContainSubstring(tc.says), MatchRegexp(`\nSee 'kubectl scim.* --help' for usage\.\n$`)))
			g.Expect(r.out.String()).To(BeEmpty())
			g.Expect(file).NotTo(BeAnExistingFile())
		})
	}
}

func TestNoFileIsOverwritten(t *testing.T) {
	g := NewWithT(t)
	folder := t.TempDir()
	file, link, elsewhere := filepath.Join(folder, "token"), filepath.Join(folder, "link"), filepath.Join(folder, "elsewhere")
	g.Expect(os.WriteFile(file, []byte("precious"), 0o600)).To(Succeed())
	g.Expect(os.Symlink(elsewhere, link)).To(Succeed())
	for path, says := range map[string]string{
		file: "is there already", link: "is there already", folder: "is there already", "/dev/stdout": "is there already",
		filepath.Join(folder, "nowhere", "token"): "no such file or directory",
	} {
		r := run(generateInto(path)...)
		g.Expect(r.code).To(Equal(program.ExitFailure))
		g.Expect(r.errs.String()).To(ContainSubstring(says))
		g.Expect(r.out.String()).To(BeEmpty(), "no ScimCredential without its token")
	}
	g.Expect(os.ReadFile(file)).To(BeEquivalentTo("precious"))
	g.Expect(elsewhere).NotTo(BeAnExistingFile())
}

// full is a file on a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestNoTokenStaysWithoutItsCredential(t *testing.T) {
	for _, format := range []string{"yaml", "json"} {
		g := NewWithT(t)
		file := filepath.Join(t.TempDir(), "token")
		errs := &bytes.Buffer{}
		streams := genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: full{}, ErrOut: errs}
		code := Program{Streams: streams, Now: time.Now, Getenv: noEnvironment}.Run(t.Context(), generateInto(file, "-o", format))
		g.Expect(code).To(Equal(program.ExitFailure))
		g.Expect(errs.String()).To(And(ContainSubstring("there is no token"), ContainSubstring("no space left")))
		g.Expect(file).NotTo(BeAnExistingFile())
	}
}

func TestHelp(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"of nothing":     {nil, "kubectl scim [command]"},
		"of a group":     {[]string{"key"}, "kubectl scim key [command]"},
		"of the command": {[]string{"key", "generate", "--help"}, "kubectl scim key generate --key=NAME --token-file=FILE"},
		"of the version": {[]string{"--version"}, "kubectl scim version " + program.Version},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := run(tc.args...)
			g.Expect(r.code).To(BeZero())
			g.Expect(r.out.String()).To(ContainSubstring(tc.says))
			g.Expect(r.errs.String()).To(BeEmpty())
		})
	}
}
