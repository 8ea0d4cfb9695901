package federation

import (
	"fmt"
	"strings"
	"testing"
)

const (
	ecKey  = `"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"`
	okpKey = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
)

func TestParseKeySet(t *testing.T) {
	many := func(count int) string {
		keys := make([]string, count)
		for i := range keys {
			keys[i] = fmt.Sprintf(`{"kid":"%d",%s}`, i, ecKey)
		}
		return `{"keys":[` + strings.Join(keys, ",") + `]}`
	}
	for name, tc := range map[string]struct {
		data string
		keys int // 0 when it is refused
	}{
		"one":                         {`{"keys":[{"kid":"a",` + ecKey + `}]}`, 1},
		"two of two ids":              {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"b",` + okpKey + `}]}`, 2},
		"two of one id":               {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"a",` + okpKey + `}]}`, 1},
		"one for encryption":          {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"b","use":"enc",` + okpKey + `}]}`, 1},
		"one of no id":                {`{"keys":[{"kid":"a",` + ecKey + `},{` + okpKey + `}]}`, 1},
		"one of a long id":            {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"` + strings.Repeat("b", maxKeyID+1) + `",` + okpKey + `}]}`, 1},
		"one of an unknown kind":      {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"b","kty":"AKP","alg":"ML-DSA-44","pub":"AA"}]}`, 1},
		"one of an unknown curve":     {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"b","kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}]}`, 1},
		"one that is shared":          {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"b","kty":"oct","k":"AAAA"}]}`, 1},
		"one that is no key":          {`{"keys":[{"kid":"a",` + ecKey + `},7]}`, 1},
		"one off its curve":           {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"b","kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"AAAA"}]}`, 1},
		"one of RSA that is short":    {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"b","kty":"RSA","e":"AQAB","n":"` + strings.Repeat("w", 170) + `"}]}`, 1},
		"one of RSA that is long":     {`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"b","kty":"RSA","e":"AQAB","n":"` + strings.Repeat("w", 2000) + `"}]}`, 1},
		"one with a certificate":      {`{"keys":[{"kid":"a","x5c":["nonsense"],"x5t":"nonsense",` + ecKey + `}]}`, 1},
		"one with its private half":   {`{"keys":[{"kid":"a","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",` + ecKey + `}]}`, 1},
		"as many as there may be":     {many(mostKeys), mostKeys},
		"more":                        {many(mostKeys + 1), 0},
		"none":                        {`{"keys":[]}`, 0},
		"none that is of use":         {`{"keys":[{"kid":"b","kty":"oct","k":"AAAA"}]}`, 0},
		"no set":                      {`{"issuer":"https://idp.example.com"}`, 0},
		"no JSON":                     {`<html>`, 0},
		"nothing":                     {``, 0},
		"a list where a key must be":  {`{"keys":{"kid":"a"}}`, 0},
		"more lists than can be read": {`{"keys":` + strings.Repeat("[", 100_000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := ParseKeySet(idp, []byte(tc.data))
			if (err == nil) != (tc.keys > 0) || set.Len() != tc.keys {
				t.Errorf("there are %d keys, %v, want %d", set.Len(), err, tc.keys)
			}
			if err != nil && len(err.Error()) > 100 {
				t.Errorf("the error repeats what was sent: %v", err)
			}
		})
	}
}

func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kid":"a",` + ecKey + `},{"kid":"b",` + okpKey + `}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if set, err := ParseKeySet(idp, data); (err == nil) != (set.Len() > 0) || set.Len() > mostKeys {
			t.Errorf("%d keys, %v", set.Len(), err)
		}
	})
}
