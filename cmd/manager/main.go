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
)

// version is set by the linker.
var version = "dev"

func main() {
	err := run(os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	options, err := parse(args, os.Getenv)
	if err != nil {
		return err
	}
	if options.printVersion {
		fmt.Println(version)
		return nil
	}
	logger := logr.FromSlogHandler(options.logHandler(os.Stderr))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)

	configuration, err := config.Load(options.configFile)
	if err != nil {
		return err
	}
	restConfig, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	restConfig.UserAgent = "kubescim-manager/" + version
	mgr, err := ctrl.NewManager(restConfig, options.manager())
	if err != nil {
		return err
	}
	ctx := ctrl.SetupSignalHandler()
	if err := controller.Setup(ctx, mgr, controller.Options{
		ServerImage: options.serverImage,
		Workers:     options.workers,
		Namespaces:  options.watchNamespaces,
		Namespace:   options.namespace,
		Config:      configuration,
	}); err != nil {
		return err
	}
	if err := addChecks(mgr); err != nil {
		return err
	}
	logger.Info("Starting", "version", version, "serverImage", options.serverImage)
	return mgr.Start(ctx)
}
