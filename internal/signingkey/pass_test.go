package signingkey

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

func TestPass(t *testing.T) {
	keys, others := signing(t, -time.Minute, time.Hour), signing(t, -time.Minute)
	pass, err := keys.Pass("pod/acme", now)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		keys     Set
		pass     string
		audience string
		now      time.Time
		want     bool
	}{
		"good":                    {keys, pass, "pod/acme", now, true},
		"a slow clock":            {keys, pass, "pod/acme", now.Add(-Leeway / 2), true},
		"a fast clock":            {keys, pass, "pod/acme", now.Add(passLifetime + Leeway/2), true},
		"too late":                {keys, pass, "pod/acme", now.Add(passLifetime + 2*Leeway), false},
		"too early":               {keys, pass, "pod/acme", now.Add(-2 * Leeway), false},
		"for another pod":         {keys, pass, "other/acme", now, false},
		"of another server":       {others, pass, "pod/acme", now, false},
		"no keys":                 {nil, pass, "pod/acme", now, false},
		"nothing":                 {keys, "", "pod/acme", now, false},
		"changed":                 {keys, pass[:len(pass)-4] + "AAAA", "pod/acme", now, false},
		"long":                    {keys, pass + string(make([]byte, maxPassLength)), "pod/acme", now, false},
		"an access token":         {keys, signed(t, keys[1], "at+jwt", now.Add(passLifetime)), "pod/acme", now, false},
		"one that lasts too long": {keys, signed(t, keys[1], passType, now.Add(time.Hour)), "pod/acme", now, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.keys.Admits(tc.pass, tc.audience, tc.now); got != tc.want {
				t.Errorf("it is admitted: %t", got)
			}
		})
	}
	if _, err := Set(nil).Pass("pod/acme", now); err == nil {
		t.Error("a pass is signed without a key")
	}
}

// signed is what the key signs for the audience pod/acme as a token of another type, or life.
func signed(t *testing.T, key Key, typ string, ends time.Time) string {
	t.Helper()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: Algorithm, Key: jose.JSONWebKey{Key: key.Private, KeyID: key.ID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{
		Audience: jwt.Audience{"pod/acme"}, IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(ends),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
