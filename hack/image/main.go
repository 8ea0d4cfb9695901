// Command image builds the container image of the operator without a container engine: static programs in one
// layer, and nothing else. The Dockerfile makes the same image for those who have Docker.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/kubescim/kubescim/hack/image/archive"
	"github.com/kubescim/kubescim/hack/internal/gobuild"
	"github.com/kubescim/kubescim/hack/internal/repo"
)

// commands are the main packages whose programs are in the image. The first is what the image runs.
var commands = []string{"./cmd/manager", "./cmd/scim-server"}

const usage = `usage: go -C hack run ./image [-tag NAME:TAG] [-o FILE] [-load] [PROGRAM...]
       go -C hack run ./image [-tag NAME:TAG] -layout FOLDER [-architectures LIST]

Builds the operator's programs and writes an image archive with them. PROGRAMs, if given, are static programs
that are built already and go into the image instead; the first one is what the image runs. With -layout, it
builds them for each architecture, and writes an OCI layout with an index of their images into a new folder.
Relative paths are those of the checkout.
`

// options are what the command line says.
type options struct {
	tag           string
	output        string
	load          bool
	layout        string
	architectures []string
	programs      []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var o options
	flag.StringVar(&o.tag, "tag", "kubescim/kubescim:dev", "name and tag of the image")
	flag.StringVar(&o.output, "o", filepath.Join(".cluster", "image.tar"), "archive to write")
	flag.BoolVar(&o.load, "load", false, "give the image to the cluster too")
	flag.StringVar(&o.layout, "layout", "", "folder to make for an OCI layout, instead of the archive")
	architectures := flag.String("architectures", "amd64,arm64", "architectures of an OCI layout, as Go names them")
	flag.Usage = func() {
		_, _ = fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	o.architectures, o.programs = strings.Split(*architectures, ","), flag.Args()
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}

// run builds the programs, packs them and loads the image.
func run(ctx context.Context, o options) error {
	start := time.Now()
	if _, err := repo.Enter(); err != nil {
		return err
	}
	written, write := o.output, writeArchive
	if o.layout != "" {
		if o.load || len(o.programs) > 0 {
			return errors.New("an OCI layout is neither loaded nor made of programs that are built already: leave out -load and PROGRAMs")
		}
		written, write = o.layout, writeLayout
	}
	if err := write(ctx, o); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "image: wrote %s as %s in %s\n", o.tag, written, time.Since(start).Round(100*time.Millisecond))
	if o.load {
		return load(ctx, o.output)
	}
	return nil
}

// writeArchive makes the image of this machine's architecture.
func writeArchive(ctx context.Context, o options) error {
	image, err := imageFor(ctx, runtime.GOARCH, o, describeSource(ctx))
	if err != nil {
		return err
	}
	return write(image, o.output)
}

// writeLayout makes the images of all architectures that are asked for.
func writeLayout(ctx context.Context, o options) error {
	source := describeSource(ctx)
	var images []archive.Image
	for _, architecture := range o.architectures {
		image, err := imageFor(ctx, architecture, o, source)
		if err != nil {
			return err
		}
		images = append(images, image)
	}
	return archive.WriteLayout(o.layout, images)
}

// imageFor builds the programs for an architecture, unless there are some already, and packs them.
func imageFor(ctx context.Context, architecture string, o options, source source) (archive.Image, error) {
	if len(o.programs) > 0 {
		return assemble(o.tag, architecture, o.programs, source)
	}
	dir, err := os.MkdirTemp("", "kubescim-image-")
	if err != nil {
		return archive.Image{}, fmt.Errorf("make a folder to build in: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs, err := build(ctx, architecture, dir, source)
	if err != nil {
		return archive.Image{}, err
	}
	return assemble(o.tag, architecture, programs, source)
}

// build compiles the commands into dir.
func build(ctx context.Context, architecture, dir string, source source) ([]string, error) {
	linkerFlags := "-s -w -X github.com/kubescim/kubescim/internal/program.Version=" + source.version
	cmd := gobuild.ForImage(ctx, architecture, linkerFlags, append([]string{"-o", dir + "/"}, commands...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	fmt.Fprintf(os.Stderr, "image: building %s %s for %s\n", strings.Join(commands, ", "), source.version, architecture)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("build the operator for %s: %w", architecture, err)
	}
	var programs []string
	for _, command := range commands {
		programs = append(programs, filepath.Join(dir, filepath.Base(command)))
	}
	return programs, nil
}

// write writes the archive under a name of its own first, so that neither a killed run nor two at the same time
// leave half of one.
func write(image archive.Image, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the folder for the archive: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return fmt.Errorf("make the archive: %w", err)
	}
	// After the rename there is nothing left to remove.
	defer func() { _ = os.Remove(file.Name()) }()
	if err := errors.Join(image.Write(file), file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("put the archive in place: %w", err)
	}
	return nil
}

// load leaves it to the cluster command to know which cluster is in use.
func load(ctx context.Context, path string) error {
	cmd := exec.CommandContext(ctx, "go", "-C", "hack", "run", "./cluster", "load", path)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("load the image into the cluster: %w", err)
	}
	return nil
}

// source says which state of the code an image was made from.
type source struct {
	version, revision string
	time              time.Time
}

// describeSource asks git. Without git, or before the first commit, the version is "dev" and the time is zero:
// what matters is that the same source always makes the same image.
func describeSource(ctx context.Context) source {
	found := source{version: "dev", time: time.Unix(0, 0)}
	if version, ok := git(ctx, "describe", "--tags", "--always", "--dirty"); ok {
		found.version = version
	}
	if revision, ok := git(ctx, "rev-parse", "--verify", "HEAD"); ok {
		found.revision = revision
	}
	if committed, ok := git(ctx, "log", "-1", "--format=%cI"); ok {
		if at, err := time.Parse(time.RFC3339, committed); err == nil {
			found.time = at
		}
	}
	return found
}

// git asks about the checkout.
func git(ctx context.Context, args ...string) (string, bool) {
	output, err := exec.CommandContext(ctx, "git", args...).Output()
	return strings.TrimSpace(string(output)), err == nil
}
