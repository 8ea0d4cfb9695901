package outbound

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"testing"
)

func TestPublicAuthorities(t *testing.T) {
	if pool, err := publicAuthorities(); err != nil || pool.Equal(x509.NewCertPool()) {
		t.Errorf("there are none: %v", err)
	}
}

func TestControlLooksAtWhatIsDialed(t *testing.T) {
	refused := errors.New("refused")
	dial := control([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, refused)
	for address, want := range map[string]bool{
		"8.8.8.8:443": true, "10.0.0.1:443": true, "[2603:1006:2000::1]:443": true, "127.0.0.1:443": false, "[::1]:443": false, "[fe80::1%lo]:443": false, "/run/a.sock": false, "": false,
	} {
		if err := dial("tcp", address, nil); (err == nil) != want || !want && !errors.Is(err, refused) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
