package decode_test

import (
	"testing"

	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// numbersType has an extension with numbers of both types.
var numbersType = scimtest.MustRegistry(&schema.Schema{ID: scimtest.URNSite, Attributes: []*schema.Attribute{{Name: "ratio", Type: schema.TypeDecimal}, {Name: "count", Type: schema.TypeInteger}}}).User()

// A number is kept as it was sent, or refused.
func TestNumbersAreKeptOrRefused(t *testing.T) {
	for number, kept := range map[string]string{
		"0.1": "0.1", "1.50": "1.5", "1e3": "1000", "-0.25": "-0.25", "0": "0", "0.000": "0", "0e999999999999": "0", "1E-7": "1e-7",
		"9007199254740992": "9007199254740992", "123456789012345": "123456789012345", "0.123456789012345": "0.123456789012345", "1e308": "1e+308",
		"9007199254740993": "", "1e-400": "", "0.1234567890123456789": "", "1e309": "", "1e-99999999999999999999": "", "100000000000000000001": "",
	} {
		got, err := document.Decode(numbersType, []byte(scimtest.SiteUser(`{"ratio":`+number+`}`)), scimtest.Lenient)
		if kept == "" {
			if err == nil {
				t.Errorf("%s became %s", number, scimtest.Text(t, got))
			}
			continue
		}
		if want := scimtest.SiteUser(`{"ratio":` + kept + `}`); err != nil || scimtest.Text(t, got) != scimtest.Text(t, scimtest.Stored(t, numbersType, want)) {
			t.Errorf("%s: %v", number, err)
		}
	}
	for number, kept := range map[string]bool{
		"9223372036854775807": true, "-9223372036854775808": true, "9223372036854775808": false, "-9223372036854775809": false, "1e3": false, "1.0": false, "0.5": false,
	} {
		if _, err := document.Decode(numbersType, []byte(scimtest.SiteUser(`{"count":`+number+`}`)), scimtest.Lenient); (err == nil) != kept {
			t.Errorf("%s: %v", number, err)
		}
	}
}
