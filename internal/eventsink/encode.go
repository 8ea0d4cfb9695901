package eventsink

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/kubescim/kubescim/internal/signingkey"
)

const (
	// mediaType is the type of a security event token (RFC 8417 section 2.3).
	mediaType = "secevent+jwt"
	// HeaderSignature has the signature of a CloudEvent: a JWS of the body, without that (RFC 7515
	// appendix F).
	HeaderSignature = "X-JWS-Signature"
)

// Message is an event as it is sent.
type Message struct {
	ContentType string
	Body        []byte
	// Signature is for HeaderSignature; empty when it is in the body.
	Signature string
}

// Origin is by whom, for whom and when an event is sent.
type Origin struct {
	// Issuer is the base URL of the tenant.
	Issuer string
	// Audience is whom it is for.
	Audience string
	Key      signingkey.Key
	Now      time.Time
}

// subject is the claim sub_id (RFC 9967 section 2.1).
type subject struct {
	Format     string `json:"format"`
	URI        string `json:"uri"`
	ExternalID string `json:"externalId,omitempty"`
}

// claims are those of a security event token.
type claims struct {
	Issuer      string `json:"iss"`
	IssuedAt    int64  `json:"iat"`
	ID          string `json:"jti"`
	Audience    string `json:"aud"`
	Transaction string `json:"txn"`
	statement
}

// statement is what tokens and CloudEvents say alike.
type statement struct {
	Subject subject        `json:"sub_id"`
	Events  map[string]any `json:"events"`
	// Revision grows with each change of the subject: whoever knows of a higher one drops the event.
	Revision uint64 `json:"revision"`
}

// cloudEvent is the structured mode of CloudEvents 1.0, with the extension sequence.
type cloudEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        string    `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Sequence    string    `json:"sequence"`
	Data        statement `json:"data"`
}

func (e Event) statement() statement {
	return statement{
		Subject: subject{Format: "scim", URI: e.Path, ExternalID: e.ExternalID}, Events: e.Payloads, Revision: e.Revision,
	}
}

// id is the same whenever the event is sent again, so that a receiver knows it by that.
func (e Event) id(issuer string) string {
	sum := sha256.Sum256([]byte(issuer + "\n" + e.Path + "\n" + strconv.FormatUint(e.Revision, 10) + "\n" + e.Type))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// Token returns the event as a security event token.
func (e Event) Token(from Origin) (Message, error) {
	token, err := from.Key.Sign(mediaType, claims{
		Issuer: from.Issuer, IssuedAt: from.Now.Unix(), ID: e.id(from.Issuer), Audience: from.Audience,
		Transaction: strconv.FormatUint(e.Revision, 10), statement: e.statement(),
	})
	if err != nil {
		return Message{}, fmt.Errorf("signing a security event token: %w", err)
	}
	return Message{ContentType: "application/secevent+jwt", Body: []byte(token)}, nil
}

// CloudEvent returns the event as a CloudEvent. Its sequence is of so many digits that texts are in the
// order of the numbers.
func (e Event) CloudEvent(from Origin) (Message, error) {
	body, err := json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: e.id(from.Issuer), Source: from.Issuer, Type: e.Type, Subject: e.Path,
		Time: from.Now.UTC().Format(time.RFC3339), ContentType: "application/json",
		Sequence: fmt.Sprintf("%020d", e.Revision), Data: e.statement(),
	})
	if err != nil {
		return Message{}, fmt.Errorf("writing a CloudEvent: %w", err)
	}
	signature, err := from.Key.SignDetached(body)
	if err != nil {
		return Message{}, fmt.Errorf("signing a CloudEvent: %w", err)
	}
	return Message{ContentType: "application/cloudevents+json", Body: body, Signature: signature}, nil
}
