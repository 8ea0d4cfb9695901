package main

import (
	"encoding/xml"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestWhatIsRecordedCanBeReadAgain(t *testing.T) {
	seen := newScreen()
	seen.print(upper, "$ kubectl scim test acme")
	seen.print(lower, strings.Repeat("x", width+1))
	for range height {
		seen.print(lower, "more than fits")
	}
	recorded := seen.recorded()
	if len(recorded.events) != 1+height-below+1 {
		t.Errorf("%d lines are on the screen", len(recorded.events))
	}
	read, err := decode(recorded.encode())
	if err != nil || !reflect.DeepEqual(read, recorded) {
		t.Errorf("it is read as %v: %v", read, err)
	}
	for _, broken := range []string{"", `{"version": 1}`, `{"version": 2}` + "\nx"} {
		if _, err := decode([]byte(broken)); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}

// TestThePictureIsOfTheRecording looks at what is in docs.
func TestThePictureIsOfTheRecording(t *testing.T) {
	content, err := os.ReadFile("../../docs/recording.cast")
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := decode(content)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := os.ReadFile("../../docs/recording.svg")
	if err != nil {
		t.Fatal(err)
	}
	if string(picture(recorded)) != string(drawn) {
		t.Error("it is another one: run go -C hack run ./recording -render")
	}
	if err := xml.Unmarshal(drawn, new(any)); err != nil {
		t.Errorf("it is no XML: %v", err)
	}
	for _, text := range []string{"kubectl get scimusers -n acme --watch", "POST   /scim/v2/Users", "PATCH  /scim/v2/Users/"} {
		if !strings.Contains(string(drawn), text) {
			t.Errorf("it does not show %q", text)
		}
	}
	if strings.Contains(string(content), "Bearer") || strings.Contains(string(content), "kscim_") {
		t.Error("it shows a token")
	}
}
