package contract

import (
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/guard"
)

// Guard is the guard of a tenant against mass deactivations; nil for none.
func Guard(t *scimv1alpha1.ScimTenant) *guard.Guard {
	wanted, enabled := t.DeactivationGuard()
	if !enabled {
		return nil
	}
	return &guard.Guard{
		MaxPercent: int(wanted.MaxPercent), MinUsers: int(wanted.MinUsers),
		Window: time.Duration(wanted.WindowSeconds) * time.Second, AllowUntil: wanted.AllowUntil.Time,
	}
}
