package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// What `make install` calls the operator.
const (
	OperatorNamespace = "kubescim-system"
	operatorName      = "kubescim"
	metricsReader     = "kubescim-metrics-reader"
)

// Operator is the operator that is installed.
type Operator struct {
	server
	url    string
	token  string
	client *http.Client
}

// Operator finds the operator and makes its metrics reachable on loopback.
func (c *Cluster) Operator(ctx context.Context) (*Operator, error) {
	namespace, err := c.newNamespace(ctx, "metrics")
	if err != nil {
		return nil, err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "metrics"}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: metricsReader},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account.Name}},
	}
	for _, object := range []client.Object{account, binding} {
		if err := c.client.Create(ctx, object); err != nil {
			return nil, fmt.Errorf("making %T, to read the metrics of the operator: %w", object, err)
		}
	}
	c.objects = append(c.objects, binding)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](6 * 3600)}}
	if err := c.client.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("asking for a token, to read the metrics of the operator: %w", err)
	}
	o := &Operator{
		server: server{cluster: c, namespace: OperatorNamespace, name: operatorName},
		token:  request.Status.Token,
		// The operator's certificate is signed by itself.
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		}},
	}
	if err := o.awaitServed(ctx, 1); err != nil {
		return nil, err
	}
	service, address, err := c.nodePort(ctx, OperatorNamespace, o.labels, "metrics")
	if service != nil {
		c.objects = append(c.objects, service)
	}
	o.url = "https://" + address + "/metrics"
	return o, err
}

// Process returns what the operator has used.
func (o *Operator) Process(ctx context.Context) (Process, error) {
	text, err := o.metrics(ctx)
	if err != nil {
		return Process{}, err
	}
	return processOf(text)
}

// Requested returns what the operator requests: memory in bytes, and processors.
func (o *Operator) Requested(ctx context.Context) (memory, cpu float64, err error) {
	pods, err := o.pods(ctx)
	if err != nil {
		return 0, 0, err
	}
	memory, cpu = requested(pods)
	return memory, cpu, nil
}

// Restart deletes the operator's pod and waits until the one that takes its place has looked at everything once: until
// it has nothing to do any more.
func (o *Operator) Restart(ctx context.Context) error {
	if _, err := o.coldStart(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	calm := 0
	err := await(ctx, func(ctx context.Context) (bool, error) {
		text, err := o.metrics(ctx)
		if err != nil {
			return false, err
		}
		idle, err := isIdle(text)
		if calm++; !idle {
			calm = 0
		}
		return calm >= calmPolls, err
	})
	if err != nil {
		return fmt.Errorf("waiting until the operator has nothing to do any more: %w", err)
	}
	return nil
}

// calmPolls is how often in a row the operator must have nothing to do: for five seconds.
const calmPolls = int(5 * time.Second / poll)

// isIdle reports whether a controller has begun to work, and none has anything to do, by the metrics of
// controller-runtime.
func isIdle(text []byte) (bool, error) {
	sums := map[string]float64{}
	var errs []error
	for _, name := range []string{"controller_runtime_reconcile_total", "controller_runtime_active_workers", "workqueue_depth"} {
		value, err := metric(text, name)
		sums[name] = value
		errs = append(errs, err)
	}
	idle := sums["controller_runtime_reconcile_total"] > 0 && sums["controller_runtime_active_workers"] == 0 && sums["workqueue_depth"] == 0
	return idle, errors.Join(errs...)
}

// metrics reads the operator's metrics.
func (o *Operator) metrics(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for the metrics of the operator: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+o.token)
	answer, err := o.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking for the metrics of the operator: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s", answer.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the metrics of the operator: %w", err)
	}
	return text, nil
}
