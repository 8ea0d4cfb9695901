package signingkey

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestVerifyingKeys(t *testing.T) {
	own := signing(t, 0, time.Hour)
	ends := now.Add(TokenLifetime)
	keys := append(own.Verifying("globex", time.Time{}), own[:1].Verifying("acme", ends)...)
	data, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), `"d":`) {
		t.Error("the file has a private key")
	}
	read, err := ParseVerifying(data)
	if err != nil || len(read) != 3 {
		t.Fatalf("ParseVerifying = %d keys, %v", len(read), err)
	}
	acme := read.For("acme")
	if len(acme) != 1 || acme[0].ID != own[0].ID || !acme[0].Ends.Equal(ends) || !acme[0].Public.Equal(own[0].Public()) {
		t.Errorf("the keys for acme are %+v", acme)
	}
	if globex := read.For("globex"); len(globex) != 2 || !globex[0].Ends.IsZero() {
		t.Errorf("the keys for globex are %+v", globex)
	}
	if again, err := read.Marshal(); err != nil || !bytes.Equal(again, data) {
		t.Errorf("the same keys have another file, %v", err)
	}
	private, err := own.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string][]byte{
		"no JSON": []byte(`{`), "private keys": private, "no tenant": bytes.ReplaceAll(data, []byte(`"tenant":"acme"`), []byte(`"tenant":""`)),
		"another id": bytes.ReplaceAll(data, []byte(own[0].ID), []byte(own[1].ID)), "too long": make([]byte, MaxVerifyingBytes+1),
	} {
		if _, err := ParseVerifying(wrong); err == nil {
			t.Errorf("a file with %s is read", name)
		}
	}
}
