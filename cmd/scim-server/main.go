// Command scim-server is the SCIM 2.0 server of one ScimTenant, or of those of a ScimServer. The
// operator runs it; it needs the name of the one or the other, and its pod's name, namespace, uid and IP in
// POD_NAME, POD_NAMESPACE, POD_UID and POD_IP.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"go.uber.org/zap/zapcore"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kubescim/kubescim/internal/program"
)

func main() {
	out, flush := buffer(os.Stderr)
	log := slog.New((&program.Log{}).Handler(out))
	options, err := parse(os.Args[1:], os.Getenv)
	if err == nil {
		err = run(options, log)
	}
	code := program.ExitCode(err)
	if code == program.ExitFailure {
		log.Error("the SCIM server ends", slog.Any("error", err))
	}
	flush()
	os.Exit(code)
}

// buffer writes lines to out with others, so that a line for each request does not cost
// more than answering it. flush writes the last ones.
func buffer(out io.Writer) (buffered io.Writer, flush func()) {
	writer := &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(out), Size: 64 << 10, FlushInterval: 100 * time.Millisecond}
	return writer, func() { _ = writer.Stop() } // There is nowhere left to say that it failed.
}

// run serves the tenants until the process is told to stop.
func run(o options, log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	uuid.EnableRandPool() // Every request has an id.
	pod, err := assemble(ctx, o, log)
	if err != nil {
		return err
	}
	defer pod.stopRecording()
	defer pod.stopTracing()
	return pod.serve(ctx)
}
