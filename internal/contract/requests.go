package contract

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/requestlog"
)

const (
	// PathRequests is where the operator asks a server pod, at PortHealth, for the last requests of the
	// tenant that ParameterTenant names. It shows a pass that one of the server's signing keys has
	// signed (signingkey.Set.Pass): nobody else is answered, whatever token a client of the tenant has.
	PathRequests = "/requests"
	// ParameterTenant is the parameter of PathRequests with the tenant's name.
	ParameterTenant = "tenant"

	// maxRequests bounds the answer of the operator, in bytes, and maxPodRequests that of a pod.
	maxRequests    = 32 << 20
	maxPodRequests = 512 << 10
	// mostPodRequests is how many requests a pod can remember of a tenant at the most, and some more:
	// each takes 25 bytes or more of 64 KiB there, and ten times that once it is read.
	mostPodRequests = 4096
)

// PassAudience is whom a pass is for: one pod, about one tenant. Whoever a pod is mistaken for can do
// nothing else with it.
func PassAudience(namespace, pod, tenant string) string {
	return "requests of " + namespace + "/" + tenant + " at " + pod
}

// RequestLog is the answer of PathRequests, and that of the operator at LogPath, which has put those
// of several pods together.
type RequestLog struct {
	// Requests are in the order of time.
	Requests []requestlog.Record `json:"requests"`
	// Pods are those that have answered, and SilentPods those that have not, whose requests are
	// missing.
	Pods       []string `json:"pods,omitempty"`
	SilentPods []string `json:"silentPods,omitempty"`
}

// DecodeRequestLog reads the answer of the operator.
func DecodeRequestLog(from io.Reader) (RequestLog, error) {
	return decodeAnswer[RequestLog](from, maxRequests, "the last requests")
}

// DecodePodRequests reads the requests in the answer of a pod. Whoever may run pods in the namespace can
// answer in its place: it reads one request at a time, and no more than a pod can remember.
func DecodePodRequests(from io.Reader) ([]requestlog.Record, error) {
	limited := &io.LimitedReader{R: from, N: maxPodRequests + 1}
	records, err := decodePodRequests(json.NewDecoder(limited))
	if limited.N <= 0 {
		err = fmt.Errorf("it is longer than %d bytes", maxPodRequests)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the last requests that a pod remembers: %w", err)
	}
	return records, nil
}

func decodePodRequests(from *json.Decoder) (records []requestlog.Record, err error) {
	if begin, err := from.Token(); err != nil || begin != json.Delim('{') {
		return nil, cmp.Or(err, errors.New("it is no object"))
	}
	for from.More() {
		switch name, err := from.Token(); {
		case err != nil:
			return nil, err
		case name == "requests":
			return decodeRecords(from)
		}
		var other json.RawMessage // of a release to come
		if err := from.Decode(&other); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// decodeRecords reads a list of requests. What stands behind it is of no interest.
func decodeRecords(from *json.Decoder) (records []requestlog.Record, err error) {
	begin, err := from.Token()
	if err != nil || begin == nil { // It remembers none.
		return nil, err
	}
	if begin != json.Delim('[') {
		return nil, errors.New("the requests are no list")
	}
	for from.More() {
		if len(records) == mostPodRequests {
			return nil, fmt.Errorf("it has more than the %d requests that a pod can remember", mostPodRequests)
		}
		var record requestlog.Record
		if err := from.Decode(&record); err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	_, err = from.Token()
	return records, err
}

// decodeAnswer reads JSON of so many bytes at the most, which errors name.
func decodeAnswer[T any](from io.Reader, most int64, name string) (answer T, err error) {
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("it is longer than %d bytes", most)
	}
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		return *new(T), fmt.Errorf("reading %s: %w", name, err)
	}
	return answer, nil
}

const (
	// PortAPI is the port at which the operator answers who wants to see the log of a tenant, over TLS.
	PortAPI int32 = 9443
	// ResourceLog is the subresource of a ScimTenant that one must be allowed to get for that.
	ResourceLog = "log"
)

// LogPath is where the operator has the log of a tenant. Its form is that of the API server, which
// decides by it who may see the log.
func LogPath(namespace, tenant string) string {
	return "/apis/" + scimv1alpha1.GroupVersion.String() + "/namespaces/" + namespace + "/scimtenants/" + tenant + "/" + ResourceLog
}
