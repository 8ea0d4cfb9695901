// Command manager runs the operator.
//
// The exit status is 0 when it was told to stop, 1 when it could not go on, and 2 when the
// command line cannot be parsed.
package main

import (
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller"
	"github.com/kubescim/kubescim/internal/program"
)

func main() {
	os.Exit(execute(os.Args[1:], os.Getenv))
}

// execute is the whole program, and returns its exit status.
func execute(args []string, getenv func(string) string) int {
	options, err := parse(args, getenv)
	if err == nil {
		err = run(options)
	}
	code := program.ExitCode(err)
	if code == program.ExitFailure { // What cannot be parsed was told with the usage.
		fmt.Fprintln(os.Stderr, "manager:", err)
	}
	return code
}

// run runs the operator until the process is told to stop.
func run(o options) error {
	if o.printVersion {
		fmt.Println(program.Version)
		return nil
	}
	logger := logr.FromSlogHandler(o.log.Handler(os.Stderr))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)

	configuration, err := config.Load(o.configFile)
	if err != nil {
		return err
	}
	restConfig, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	restConfig.UserAgent = "kubescim-manager/" + program.Version
	mgr, err := ctrl.NewManager(restConfig, o.manager())
	if err != nil {
		return err
	}
	ctx := ctrl.SetupSignalHandler()
	api, err := o.listenForAPI(ctx)
	if err != nil {
		return err
	}
	if err := controller.Setup(ctx, mgr, controller.Options{
		ServerImage: o.serverImage,
		Workers:     o.workers,
		Namespaces:  o.watchNamespaces,
		Namespace:   o.namespace,
		Config:      configuration,
		API:         api,

		RoleBindingPolicy: o.roleBindings,
	}); err != nil {
		return err
	}
	if err := addChecks(mgr); err != nil {
		return err
	}
	logger.Info("Starting", "version", program.Version, "serverImage", o.serverImage)
	return mgr.Start(ctx)
}
