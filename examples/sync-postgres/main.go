// Command sync-postgres keeps the table people of the PostgreSQL database $DATABASE as the users of a tenant are.
package main

import (
	"context"
	"database/sql"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/kubescim/kubescim/api/directory"
	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/lib/pq"
)

const tables = `CREATE TABLE IF NOT EXISTS people (id uuid PRIMARY KEY, name text NOT NULL, active boolean NOT NULL);
	CREATE TABLE IF NOT EXISTS seen (one boolean PRIMARY KEY DEFAULT true CHECK (one), cursor text NOT NULL)`

type database struct{ *sql.DB }

func (db database) do(ctx context.Context, query string, values ...any) error {
	_, err := db.ExecContext(ctx, query, values...)
	return err
}

func (db database) Load(ctx context.Context) (cursor []byte, err error) {
	err = db.QueryRowContext(ctx, "SELECT max(cursor) FROM seen").Scan(&cursor) // NULL where there is none.
	return cursor, err
}

func (db database) Save(ctx context.Context, cursor []byte) error {
	return db.do(ctx, "INSERT INTO seen (cursor) VALUES ($1) ON CONFLICT (one) DO UPDATE SET cursor = $1", string(cursor))
}

func (db database) onUser(ctx context.Context, change directory.Change[scimv1alpha1.ScimUser]) error {
	if change.After == nil {
		return db.do(ctx, "DELETE FROM people WHERE id = $1", change.ID)
	}
	return db.do(ctx, "INSERT INTO people VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET name = $2, active = $3", change.ID, change.After.Spec.UserName, *change.After.Spec.Active)
}

func (db database) resync(ctx context.Context, there directory.IDs) error {
	return db.do(ctx, "DELETE FROM people WHERE NOT id = ANY ($1)", pq.Array(there.Users))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	connection, err := sql.Open("postgres", os.Getenv("DATABASE"))
	if db := (database{connection}); err == nil {
		if err = db.do(ctx, tables); err == nil {
			err = directory.Run(ctx, directory.Options{Namespace: os.Getenv("NAMESPACE"), Tenant: os.Getenv("TENANT"), Cursor: db, OnUser: db.onUser, Resync: db.resync})
		}
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
}
