package appendjson_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
)

// Every string is JSON that reads back alike (RFC 8259 section 7); what is no UTF-8 becomes
// the replacement character.
func TestString(t *testing.T) {
	cases := map[string]string{
		"":               `""`,
		"plain":          `"plain"`,
		`"quoted"\`:      `"\"quoted\"\\"`,
		"a\nb\rc\td":     `"a\nb\rc\td"`,
		"<b>&amp;</b>":   `"<b>&amp;</b>"`,
		"Bärbel 😀":       `"Bärbel 😀"`,
		"\u2028":         "\"\u2028\"",
		"/":              `"/"`,
		"\x7f":           "\"\x7f\"",
		"ends with \\":   `"ends with \\"`,
		"\"":             `"\""`,
		"two\\\\slashes": `"two\\\\slashes"`,
	}
	for text, want := range cases {
		if got := string(appendjson.String(nil, text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for r := range rune(0x100) {
		cases["x"+string(r)+"y"] = ""
	}
	for text := range cases {
		var back string
		if err := json.Unmarshal(appendjson.String(nil, text), &back); err != nil || back != text {
			t.Errorf("%q reads back as %q, %v", text, back, err)
		}
	}
	for _, invalid := range []string{"\xff", "a\xffb", "a\xc3", "\xed\xa0\x80"} {
		var back string
		if err := json.Unmarshal(appendjson.String(nil, invalid), &back); err != nil || back != replaced(invalid) {
			t.Errorf("%q reads back as %q, %v", invalid, back, err)
		}
	}
	if got := string(appendjson.Text([]byte(`"a`), `"b`)); got != `"a\"b` {
		t.Errorf("what is there already is kept: %s", got)
	}
}

// replaced has the replacement character for each byte that is no UTF-8.
func replaced(s string) string { return string([]rune(s)) }

func TestScalar(t *testing.T) {
	for want, v := range map[string]any{
		`"a"`: "a", "true": true, "false": false, "null": nil,
		"-9223372036854775808": int64(math.MinInt64), "9223372036854775807": int64(math.MaxInt64),
		"0.1": 0.1, "100": 100.0, "1e+21": 1e21, "123456789012345680000": 123456789012345680000.0, "0.000001": 1e-6, "-0": math.Copysign(0, -1),
	} {
		if got := string(appendjson.Scalar(nil, v)); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	for _, f := range []float64{0.1, 1.0 / 3, 1e-7, 5e-324, math.MaxFloat64, -1e21, 9007199254740993} {
		var back float64
		if err := json.Unmarshal(appendjson.Float(nil, f), &back); err != nil || back != f {
			t.Errorf("%v reads back as %v, %v", f, back, err)
		}
	}
	for _, none := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := string(appendjson.Float(nil, none)); got != "null" {
			t.Errorf("%v: %s, which JSON has not", none, got)
		}
	}
}

// A dateTime is in UTC, and reads back to the nanosecond (RFC 7643 section 2.3.5).
func TestTime(t *testing.T) {
	for want, at := range map[string]time.Time{
		`"2011-05-13T04:42:34Z"`:           time.Date(2011, 5, 13, 4, 42, 34, 0, time.UTC),
		`"2011-05-13T02:42:34.5Z"`:         time.Date(2011, 5, 13, 4, 42, 34, 500_000_000, time.FixedZone("", 7200)),
		`"2011-05-13T04:42:34.000000001Z"`: time.Date(2011, 5, 13, 4, 42, 34, 1, time.UTC),
	} {
		if got := string(appendjson.Time(nil, at)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestMarshal(t *testing.T) {
	if got := string(appendjson.Marshal(map[string]any{"a": "<&>", "b": []int{1}})); got != `{"a":"<&>","b":[1]}` {
		t.Error(got)
	}
	empty, b := true, []byte("[")
	for range 3 {
		b = append(appendjson.Separate(b, &empty), '1')
	}
	if string(b) != "[1,1,1" {
		t.Error(string(b))
	}
}
