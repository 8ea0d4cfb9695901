package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/request"
	"github.com/kubescim/kubescim/internal/store"
)

// WithMemory does something that acquires memory, again from the beginning once it is
// there where others have it.
func (x *Exchange) WithMemory(do func() error) error { return x.memory.With(x.Ctx, do) }

// Body reads a SCIM message from the request, which may take a while, so that whether the
// request still may be answered is looked at again.
func (x *Exchange) Body() ([]byte, error) {
	body, err := request.Body(x.W, x.R, x.Shared.Limits.BodyBytes, func(bytes int64) error {
		return x.WithMemory(func() error { return x.acquireForBody(bytes) })
	})
	if err != nil {
		return nil, err
	}
	return body, x.permitted()
}

// acquireForBody acquires memory for the body and what it becomes.
func (x *Exchange) acquireForBody(bytes int64) error {
	if x.within {
		return nil // The body of the bulk request has it in it.
	}
	err := x.memory.Acquire(bytes)
	if large := (limit.NoRoom{}); errors.As(err, &large) {
		return fmt.Errorf("%w: %w", scim.Errorf(http.StatusRequestEntityTooLarge, "",
			"%v; send less at a time, such as some of the members of a group in each PATCH, or ask who runs this service to give it more memory", large), err)
	}
	return err
}

// View is what the projection wants of resources, for which memory is acquired
// first: within WithMemory.
func (x *Exchange) View(projection *render.Projection) store.View {
	if x.within {
		return store.View{WithoutGroups: true, WithoutMembers: true} // The answer to a bulk request has no resources.
	}
	view := store.ViewOf(projection)
	view.Memory = func(_ context.Context, bytes int64) error {
		err := x.memory.Acquire(bytes)
		if large := (limit.NoRoom{}); errors.As(err, &large) {
			return fmt.Errorf("%w: %w", scim.Errorf(http.StatusBadRequest, scim.TooMany,
				"%v; leave members out (excludedAttributes=members), ask for fewer resources (count), or ask who runs this service to give it more memory", large), err)
		}
		return err
	}
	return view
}
