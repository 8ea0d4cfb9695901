package cases

import (
	"regexp"
	"testing"

	. "github.com/onsi/gomega"
)

// sections are those of the RFCs that demand something of a server's answers.
var sections = map[string][]string{
	"7643": {"2.1", "2.3", "2.3.5", "2.3.8", "2.4", "2.5", "3", "3.1", "4.1.1", "4.1.2", "4.2", "5", "6", "7", "8.2", "8.3", "8.4", "8.7.1", "8.7.2"},
	"7644": {"2", "3.1", "3.2", "3.3", "3.3.1", "3.4.1", "3.4.2", "3.4.2.1", "3.4.2.2", "3.4.2.3", "3.4.2.4", "3.4.2.5", "3.4.3", "3.5.1", "3.5.2", "3.5.2.1", "3.5.2.2", "3.5.2.3",
		"3.6", "3.7", "3.7.1", "3.7.2", "3.7.3", "3.7.4", "3.8", "3.9", "3.10", "3.11", "3.12", "3.14", "4", "5", "6", "7.4", "7.5", "7.5.2", "7.6"},
	"9865": {"2", "2.1", "2.2", "3", "4", "5.2", "5.3"},
}

func TestCasesAreWellFormed(t *testing.T) {
	g := NewWithT(t)
	seen := map[string]bool{}
	for _, group := range All() {
		g.Expect(group.Name).To(MatchRegexp(`^[a-z][a-z0-9-]*$`))
		g.Expect(group.About).NotTo(BeEmpty(), group.Name)
		g.Expect(group.Cases).NotTo(BeEmpty(), group.Name)
		for _, c := range group.Cases {
			id := group.ID(c)
			g.Expect(seen[id]).To(BeFalse(), "the id %s is there twice", id)
			seen[id] = true
			g.Expect(id).To(MatchRegexp(`^[a-z0-9-]+/[a-z0-9-]+$`))
			g.Expect(c.Name).NotTo(BeEmpty(), id)
			g.Expect(c.Source).NotTo(BeEmpty(), id)
			g.Expect(c.Run).NotTo(BeNil(), id)
		}
	}
}

func TestEverySectionHasACase(t *testing.T) {
	g := NewWithT(t)
	covered := map[string]bool{}
	for _, group := range All() {
		for _, c := range group.Cases {
			rfc := ""
			for _, match := range regexp.MustCompile(`RFC (\d+)|§([\d.]+)`).FindAllStringSubmatch(c.Source, -1) {
				if match[1] != "" {
					rfc = match[1]
				} else {
					covered[rfc+" "+match[2]] = true
				}
			}
		}
	}
	for rfc, list := range sections {
		for _, section := range list {
			g.Expect(covered[rfc+" "+section]).To(BeTrue(), "no case for RFC %s §%s", rfc, section)
		}
	}
}
