package strictjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		doc  string
		want any
	}{
		"object keeps order":   {`{"b":1,"a":[true,false,null,"x"]}`, Object{{"b", Number("1")}, {"a", []any{true, false, nil, "x"}}}},
		"empty":                {" {} ", Object{}},
		"empty array":          {"[ ]", []any{}},
		"numbers as written":   {`[0,-0.5e+10,12345678901234567890]`, []any{Number("0"), Number("-0.5e+10"), Number("12345678901234567890")}},
		"escapes":              {`"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00é😀"`, "\"\\/\b\f\n\r\té😀é😀"},
		"byte order mark":      {"\xEF\xBB\xBF1", Number("1")},
		"nul is a character":   {`"\u0000"`, "\x00"},
		"escape after letters": {`"ab\ncd"`, "ab\ncd"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(c.doc))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got %#v, %v; want %#v", got, err, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, doc := range map[string]string{
		"nothing":               "",
		"space":                 "  ",
		"trailing garbage":      `{} x`,
		"second document":       `{}{}`,
		"trailing comma":        `[1,]`,
		"member comma":          `{"a":1,}`,
		"no colon":              `{"a" 1}`,
		"no name":               `{1:1}`,
		"open object":           `{"a":1`,
		"open array":            `[1`,
		"open string":           `"a`,
		"open escaped":          `"\n`,
		"duplicate":             `{"a":1,"a":2}`,
		"case variant":          `{"userName":1,"USERNAME":2}`,
		"late duplicate":        `{` + manyMembers(40) + `,"M3":0}`,
		"invalid UTF-8":         "\"a\xff\"",
		"half a surrogate":      `"\ud800"`,
		"two high surrogates":   `"\ud800\ud800"`,
		"half, then text":       `"\ud800x"`,
		"control character":     "\"a\nb\"",
		"control after escape":  "\"\\ta\nb\"",
		"unknown escape":        `"\x"`,
		"short \\u":             `"\u12`,
		"no hex":                `"\u12G4"`,
		"leading zero":          `01`,
		"plus":                  `+1`,
		"bare minus":            `-`,
		"point without digits":  `1.`,
		"exponent without any":  `1e`,
		"NaN":                   `NaN`,
		"half a word":           `tru`,
		"wrong words":           `[falsy,nil]`,
		"deep arrays":           strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2),
		"deep objects":          strings.Repeat(`{"a":`, 100_000),
		"more than enough":      "[" + strings.Repeat("0,", MaxValues) + "0]",
		"single quotes":         `{'a':1}`,
		"comment":               `{} // x`,
		"comma for a separator": `["a":1]`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Parse([]byte(doc)); err == nil {
				t.Fatalf("accepted as %#v", got)
			}
		})
	}
}

func manyMembers(n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, `"m`+string(rune('0'+i%10))+strings.Repeat("x", i/10)+`":0`)
	}
	return strings.Join(parts, ",")
}

func TestErrorsQuoteNothing(t *testing.T) {
	_, err := Parse([]byte(`{"password":"hunter2","password":"hunter2"}`))
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "byte 23") {
		t.Fatalf("got %v", err)
	}
}

func TestGet(t *testing.T) {
	o := Object{{"a", true}}
	if v, ok := o.Get("a"); v != true || !ok {
		t.Error("a")
	}
	if _, ok := o.Get("A"); ok {
		t.Error("A")
	}
}

// What this package accepts, encoding/json accepts too, and reads alike.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"\u00e9",null,true]}`, `"\ud83d\ude00"`, `[[[]]]`, `{"a":{"A":1}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		v, err := Parse(doc)
		if err != nil {
			return
		}
		var reference any
		d := json.NewDecoder(strings.NewReader(strings.TrimPrefix(string(doc), "\xEF\xBB\xBF")))
		d.UseNumber()
		if err := d.Decode(&reference); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", doc, err)
		}
		if got := plain(v); !reflect.DeepEqual(got, reference) {
			t.Fatalf("%q: got %#v, want %#v", doc, got, reference)
		}
	})
}

func plain(v any) any {
	switch v := v.(type) {
	case Object:
		m := map[string]any{}
		for _, x := range v {
			m[x.Name] = plain(x.Value)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = plain(x)
		}
		return l
	case Number:
		return json.Number(v)
	default:
		return v
	}
}
