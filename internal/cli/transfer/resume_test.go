package transfer

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

const aLine = `{"kind":"ScimUser","apiVersion":"scim.kubescim.dev/v1alpha1","metadata":{"name":"a"},"spec":{"tenantRef":{"name":"acme"}}}` + "\n"

// A mistyped name of a file does not cost what is in it.
func TestResumeCutsOffNothingButLinesOfAnExport(t *testing.T) {
	for name, tc := range map[string]struct {
		content, left string
		problem       string
	}{
		"nothing":                {"", "", ""},
		"whole lines":            {aLine, aLine, ""},
		"half a line":            {aLine + aLine[:40], aLine, ""},
		"the first bytes":        {aLine + aLine[:3], aLine, ""},
		"a text of one line":     {"the only copy", "the only copy", "none of this export"},
		"other JSON":             {`{"kind":"Secret"}`, `{"kind":"Secret"}`, "none of this export"},
		"a text after an export": {aLine + "notes", aLine + "notes", "none of this export"},
		"a text of more lines":   {"one\ntwo\n", "one\ntwo\n", "none of this export"},
		"two objects in a line":  {strings.TrimSpace(aLine) + aLine, strings.TrimSpace(aLine) + aLine, "something stands after"},
		"a line without end":     {strings.Repeat("x", longestLine+1), strings.Repeat("x", longestLine+1), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			path := filepath.Join(t.TempDir(), "file")
			g.Expect(os.WriteFile(path, []byte(tc.content), 0o644)).To(Succeed())
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			g.Expect(err).NotTo(HaveOccurred())
			err = (&exporter{tenant: "acme"}).skip(file)
			g.Expect(file.Close()).To(Succeed())
			left, readErr := os.ReadFile(path)
			g.Expect(readErr).NotTo(HaveOccurred())
			if string(left) != tc.left { // It may be too long to be printed.
				t.Errorf("%.80q is left", left)
			}
			if tc.problem != "" {
				g.Expect(err).To(MatchError(ContainSubstring(tc.problem)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			info, err := os.Stat(path)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))
		})
	}
}

func user(id, name, more string) string {
	return `{"kind":"ScimUser","apiVersion":"scim.kubescim.dev/v1alpha1","metadata":{"name":"` + id + `"},"spec":{"userName":"` + name +
		`","meta":{"createdTime":"2026-04-01T12:00:00.000000Z","lastModifiedTime":"2026-04-01T12:00:00.000000Z"` + more + `}}}`
}

func groupOf(id, name string) string {
	return strings.NewReplacer("ScimUser", "ScimGroup", "userName", "displayName").Replace(user(id, name, ""))
}

// What no server could have had is not made by an import.
func TestAnImportHasEachObjectAndEachNameOnce(t *testing.T) {
	deleted := `,"deletedTime":"2026-04-01T12:00:00.000000Z"`
	for name, tc := range map[string]struct {
		lines   []string
		problem string
	}{
		"different ones":          {[]string{user("1", "alice", ""), user("2", "bob", ""), groupOf("1", "alice")}, ""},
		"one id twice":            {[]string{user("1", "alice", ""), user("1", "bob", "")}, "does not come after"},
		"another order":           {[]string{groupOf("1", "alice"), user("2", "bob", "")}, "does not come after"},
		"one name twice":          {[]string{user("1", "alice", ""), user("2", "ALICE", "")}, "2 has the userName that 1 has already"},
		"one of a deleted user":   {[]string{user("1", "alice", deleted), user("2", "alice", ""), user("3", "alice", deleted)}, ""},
		"one group twice":         {[]string{groupOf("1", "Staff"), groupOf("2", "staff")}, "2 has the displayName that 1 has already"},
		"one whom the tenant has": {[]string{user("1", "carol", "")}, "1 has the userName that 9 has already"},
		"one that is there":       {[]string{user("9", "carol", "")}, ""},
		"something after it":      {[]string{user("1", "alice", "") + user("2", "bob", "")}, "something stands after"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			i := &importer{namespace: "acme", tenant: "acme", names: names{}}
			_, err := i.object([]byte(user("9", "carol", "")))
			g.Expect(err).NotTo(HaveOccurred())
			i.last = nil // It is the tenant's.
			lines := bufio.NewScanner(strings.NewReader(strings.Join(tc.lines, "\n")))
			err = nil
			for lines.Scan() && err == nil {
				_, err = i.object(lines.Bytes())
			}
			if tc.problem == "" {
				g.Expect(err).NotTo(HaveOccurred())
			} else {
				g.Expect(err).To(MatchError(ContainSubstring(tc.problem)))
				g.Expect(err.Error()).NotTo(ContainSubstring("alice"), "a name is personal data")
			}
		})
	}
}
