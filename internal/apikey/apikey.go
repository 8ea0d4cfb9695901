// Package apikey makes bearer tokens and checks them. The operator mints with
// it; the SCIM server verifies with it. It knows no Kubernetes and no HTTP.
//
// A token reads
//
//	kscim_<key id>_<secret>_<checksum>
//
// The parts are lower-case base32 without padding. The key id tells keys apart
// and is no secret. The secret is 256 random bits. The checksum is the CRC-32
// of all that stands before it, so that a leak scanner, and a person who lost
// the last letters while copying, learn without a lookup whether a string is a
// token at all. Only a SHA-256 of the token is ever stored; for 256 random
// bits, unlike for a password, a plain hash is enough.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

const (
	// Prefix begins every token; leak scanners look for it.
	Prefix = "kscim"

	keyIDBytes  = 10
	secretBytes = 32

	keyIDLength    = 16
	secretLength   = 52
	checksumLength = 7

	alphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// Mint makes a new token and its verifier. The token must be handed over and
// forgotten; the verifier may be stored.
func Mint() (token string, v Verifier, err error) {
	var random [keyIDBytes + secretBytes]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", Verifier{}, err
	}
	keyID := encoding.EncodeToString(random[:keyIDBytes])
	body := Prefix + "_" + keyID + "_" + encoding.EncodeToString(random[keyIDBytes:])
	sum := checksum(body)
	token = body + "_" + string(sum[:])
	return token, Verifier{KeyID: keyID, SHA256: sha256.Sum256([]byte(token))}, nil
}

// KeyID returns the key id of a token. It is false for a string that does not
// have the form of a token or whose checksum is wrong; such a string needs no
// lookup.
func KeyID(token string) (id string, ok bool) {
	rest, prefixed := strings.CutPrefix(token, Prefix+"_")
	id, rest, _ = strings.Cut(rest, "_")
	secret, sum, _ := strings.Cut(rest, "_")
	if !prefixed || !isEncoded(id, keyIDLength) || !isEncoded(secret, secretLength) || len(sum) != checksumLength {
		return "", false
	}
	if want := checksum(token[:len(token)-checksumLength-1]); sum != string(want[:]) {
		return "", false
	}
	return id, true
}

// IsKeyID reports whether a string has the form of a key id.
func IsKeyID(id string) bool { return isEncoded(id, keyIDLength) }

// VerifierOf returns the verifier of a token that exists already; false when
// the string is no token.
func VerifierOf(token string) (v Verifier, ok bool) {
	id, ok := KeyID(token)
	if !ok {
		return Verifier{}, false
	}
	return Verifier{KeyID: id, SHA256: sha256.Sum256([]byte(token))}, true
}

func checksum(body string) (sum [checksumLength]byte) {
	var crc [4]byte
	binary.BigEndian.PutUint32(crc[:], crc32.ChecksumIEEE([]byte(body)))
	encoding.Encode(sum[:], crc[:])
	return sum
}

func isEncoded(part string, length int) bool {
	for i := range len(part) {
		if c := part[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return len(part) == length
}
