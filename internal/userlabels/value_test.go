package userlabels

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func TestValue(t *testing.T) {
	for text, want := range map[string]string{
		"payments":                      "payments",
		"Payments":                      "Payments",
		"R&D / Payments":                "R-D-Payments",
		"  Sales  ":                     "Sales",
		"a--b":                          "a-b",
		"v1.2_rc":                       "v1.2_rc",
		"...":                           "",
		"_x_":                           "x",
		"-.x.-":                         "x",
		"":                              "",
		"   ":                           "",
		"Zürich":                        "Zurich",
		"Zu\u0308rich":                  "Zurich",
		"Łódź":                          "Lodz",
		"København":                     "Kobenhavn",
		"Straße":                        "Strasse",
		"Ｐａｙ":                           "Pay",
		"ﬁnance":                        "finance",
		"営業部":                           "",
		"営業 Sales 部":                    "Sales",
		"Отдел 7":                       "7",
		"a\x00b\nc\td":                  "a-b-c-d",
		"a=b,c!=d":                      "a-b-c-d",
		"x in (y)":                      "x-in-y",
		"../../etc/passwd":              "etc-passwd",
		"<script>alert(1)</script>":     "script-alert-1-script",
		"\xff\xfe":                      "",
		"a\xffb":                        "a-b",
		"👩‍🚒 fire":                      "fire",
		"\u202egnp.exe":                 "gnp.exe",
		strings.Repeat("x", 64):         strings.Repeat("x", 63),
		strings.Repeat("x", 62) + "ß":   strings.Repeat("x", 62) + "s",
		strings.Repeat("x", 62) + "--y": strings.Repeat("x", 62),
		strings.Repeat("é", 4096):       strings.Repeat("e", 63),
		strings.Repeat("-", 4096) + "x": "x",
		strings.Repeat("ﷺ", 4096) + "x": "x",
	} {
		if got := Value(text); got != want {
			t.Errorf("%q is %q and not %q", text, got, want)
		}
	}
}

// Whatever an identity provider sends becomes a value that the API server takes, and no other
// when it is made a value again.
func FuzzValue(f *testing.F) {
	for _, text := range []string{"", "payments", "R&D", "Łódź", "Zu\u0308rich", "営業部", "a\xffb", "-._-", strings.Repeat("ß", 63), "ﷺ\u0300"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value := Value(text)
		if wrong := validation.IsValidLabelValue(value); len(wrong) > 0 {
			t.Errorf("%q is made of %q, and %q", value, text, wrong)
		}
		if again := Value(value); again != value {
			t.Errorf("%q is made of %q, and %q of that", value, text, again)
		}
	})
}
