// Command manager runs the operator.
package main

import (
	"errors"
	"flag"
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
	options, err := parse(os.Args[1:], os.Getenv)
	if err == nil {
		err = run(options)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(1)
	}
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
	if err := controller.Setup(ctx, mgr, controller.Options{
		ServerImage: o.serverImage,
		Workers:     o.workers,
		Namespaces:  o.watchNamespaces,
		Namespace:   o.namespace,
		Config:      configuration,
	}); err != nil {
		return err
	}
	if err := addChecks(mgr); err != nil {
		return err
	}
	logger.Info("Starting", "version", program.Version, "serverImage", o.serverImage)
	return mgr.Start(ctx)
}
