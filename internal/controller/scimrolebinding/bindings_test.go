package scimrolebinding

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/operand"
)

var (
	errForbidden = apierrors.NewForbidden(rbacv1.Resource("rolebindings"), "scim:admins", errors.New("no"))
	errInvalid   = apierrors.NewInvalid(rbacv1.SchemeGroupVersion.WithKind("RoleBinding").GroupKind(), "scim:admins", nil)
	errTooLarge  = apierrors.NewRequestEntityTooLargeError("limit is 3145728")
)

// refusal is what the API server answers to who writes the RoleBinding of a number; nil lets it be written. News are how many
// subjects it gets who did not have the role by any binding.
type refusal func(number, news int) error

// carriedOut returns who has the role after one reconciliation, by the API server and by the status, and how that ended.
// The API server had bindings with these names, and refuses writes.
func carriedOut(t *testing.T, has [][]string, members wanted, refuse refusal) (now chunks, done *tally, failure error) {
	t.Helper()
	scheme, ctx := runtime.NewScheme(), context.Background()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), scimv1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	b := &scimv1alpha1.ScimRoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "globex", Name: "admins", UID: "uid"}}
	b.Spec.RoleRef = scimv1alpha1.BoundRoleReference{Kind: scimv1alpha1.BoundClusterRole, Name: "view"}
	before := setOf(has)
	api := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		Apply: func(ctx context.Context, w client.WithWatch, intent runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			written := &rbacv1.RoleBinding{}
			text, err := json.Marshal(intent)
			if err := errors.Join(err, json.Unmarshal(text, written)); err != nil {
				t.Fatal(err)
			}
			number, _ := operand.ChunkOf(b, written.Name)
			news := slices.DeleteFunc(written.Subjects, func(s rbacv1.Subject) bool { _, had := before[s.Name]; return had })
			if err := refuse(number, len(news)); err != nil {
				return err
			}
			return w.Apply(ctx, intent, opts...)
		},
	}).Build()
	r := &Reconciler{Client: api, Live: api, applier: apply.New(api, api)}
	for number, names := range has {
		if len(names) == 0 {
			continue
		}
		made := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{
			Namespace: b.Namespace, Name: operand.ChunkName(b, number), Labels: operand.ChunkLabels(b), UID: types.UID(strconv.Itoa(number)),
		}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}}
		made.Subjects = bindings([][]string{names})[0].subjects
		if err := api.Create(ctx, made); err != nil {
			t.Fatal(err)
		}
	}
	s := &scope{binding: b, groups: []string{"g"}, wanted: members}
	var err error
	if s.existing, s.strays, err = r.chunks(ctx, api, b); err != nil {
		t.Fatal(err)
	}
	failure = r.carryOut(ctx, s)
	if now, _, err = r.chunks(ctx, api, b); err != nil {
		t.Fatal(err)
	}
	return now, s.done, failure
}

func TestWhoHasTheRoleWhenBindingsCannotBeWritten(t *testing.T) {
	all := people(600)
	whole := func(of wanted) [][]string { return of.split(1) }
	part := func(of wanted, number int) wanted {
		return slices.DeleteFunc(slices.Clone(of), func(s subject) bool { return chunkOf(s.id, 4) != number })
	}
	without := func(of wanted, number int) wanted {
		return slices.DeleteFunc(slices.Clone(of), func(s subject) bool { return chunkOf(s.id, 4) == number })
	}
	none := func(int, int) error { return nil }
	always := func(err error) refusal { return func(int, int) error { return err } }
	others := func(err error) refusal {
		return func(number, _ int) error {
			if number != 0 {
				return err
			}
			return nil
		}
	}
	onlyNews := func(err error) refusal {
		return func(_, news int) error {
			if news > 0 {
				return err
			}
			return nil
		}
	}
	for name, tc := range map[string]struct {
		has     [][]string
		wanted  wanted
		refuse  refusal
		want    wanted
		fails   bool
		written int
	}{
		"all can":                            {whole(all[:500]), all[1:], none, all[1:], false, 4},
		"a quota refuses new ones":           {whole(all[:500]), all[1:], others(errForbidden), slices.Concat(all[1:500], part(all[500:], 0)), false, 1},
		"a webhook fails for new ones":       {whole(all[:500]), all[1:], others(errTooLarge), slices.Concat(all[1:500], part(all[500:], 0)), true, 1},
		"one is there already":               {[][]string{all[:500].names(), nil, nil, part(all[1:], 3).names()}, all[1:], others(errForbidden), slices.Concat(all[1:500], part(all[500:], 3), part(all[500:], 0)), false, 2},
		"fewer are needed":                   {all.split(4), all[10:60], none, all[10:60], false, 1},
		"fewer are needed, and it fails":     {all.split(4), all[10:60], func(number, _ int) error { return map[int]error{0: errTooLarge}[number] }, slices.Concat(part(all, 0), without(all[10:60], 0)), true, 4},
		"a name is too long":                 {whole(all[:2]), all[1:3], onlyNews(errTooLarge), all[1:2], true, 1},
		"nobody may be added":                {whole(all[:2]), all[1:3], onlyNews(errForbidden), all[1:2], false, 1},
		"it may not be written":              {whole(all[:2]), all[1:3], always(errForbidden), nil, false, 0},
		"it may not be, and all are to stay": {whole(all[:2]), all[:3], always(errForbidden), all[:2], false, 1},
		"nobody stays of those who had it":   {whole(all[:2]), all[2:3], always(errTooLarge), nil, true, 0},
		"the API server cannot write":        {whole(all[:2]), all[1:2], always(errTooLarge), all[:2], true, 1},
		"it is refused as invalid":           {whole(all[:2]), all[1:3], onlyNews(errInvalid), all[1:2], false, 1},
		"it is invalid, whoever is in it":    {whole(all[:2]), all[1:3], always(errInvalid), nil, false, 0},
	} {
		now, done, err := carriedOut(t, tc.has, tc.wanted, tc.refuse)
		if got, want := slices.Sorted(maps.Keys(tallyOf(now).in)), tc.want.names(); !slices.Equal(got, want) {
			t.Errorf("%s: %d have the role, and not %d", name, len(got), len(want))
		}
		if (err != nil) != tc.fails || len(now) != tc.written {
			t.Errorf("%s: there are %d bindings, and it ends with %v", name, len(now), err)
		}
		if subjects, bindings := done.count(); int(subjects) != len(tallyOf(now).in) || int(bindings) != len(now) {
			t.Errorf("%s: the status has %d by %d bindings", name, subjects, bindings)
		}
	}
}
