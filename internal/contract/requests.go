package contract

import (
	"encoding/json"
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

	// maxRequests bounds the answer of a pod, and that of the operator, in bytes.
	maxRequests = 16 << 20
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

// DecodeRequestLog reads a RequestLog.
func DecodeRequestLog(from io.Reader) (RequestLog, error) {
	return decodeAnswer[RequestLog](from, maxRequests, "the last requests")
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
