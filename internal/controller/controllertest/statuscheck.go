package controllertest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/conditions/conditionscheck"
)

// maxFindings bounds how many statuses a statusCheck complains of.
const maxFindings = 10

// statusCheck checks every status that a reconciler has written, which is at the end of
// each of its passes.
type statusCheck struct {
	mu    sync.Mutex
	wrong []error
}

// client returns what makes clients as newClient does, or the usual ones when that is nil,
// whose status writes are checked.
func (s *statusCheck) client(newClient client.NewClientFunc) client.NewClientFunc {
	if newClient == nil {
		newClient = client.New
	}
	return func(config *rest.Config, options client.Options) (client.Client, error) {
		c, err := newClient(config, options)
		if err != nil {
			return nil, err
		}
		return checkedClient{Client: c, check: s}, nil
	}
}

// err says what was wrong; nil when nothing was.
func (s *statusCheck) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.wrong...)
}

func (s *statusCheck) look(obj client.Object) {
	stated, ok := obj.(conditions.Object)
	if !ok {
		return
	}
	wrong := conditionscheck.Check(stated)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(wrong) > 0 && len(s.wrong) < maxFindings {
		s.wrong = append(s.wrong, fmt.Errorf("the status of %T %s was written as %+v: %q",
			obj, client.ObjectKeyFromObject(obj), stated.GetConditions(), wrong))
	}
}

type checkedClient struct {
	client.Client

	check *statusCheck
}

// Status returns what writes statuses, and checks them.
func (c checkedClient) Status() client.SubResourceWriter {
	return checkedStatus{SubResourceWriter: c.Client.Status(), check: c.check}
}

type checkedStatus struct {
	client.SubResourceWriter

	check *statusCheck
}

// Patch patches a status, and checks what comes of it.
func (c checkedStatus) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	err := c.SubResourceWriter.Patch(ctx, obj, patch, opts...)
	if err == nil {
		c.check.look(obj)
	}
	return err
}
