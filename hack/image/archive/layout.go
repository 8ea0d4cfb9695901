package archive

import (
	"errors"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// refName is the annotation by which an OCI layout names what is in it.
const refName = "org.opencontainers.image.ref.name"

// WriteLayout writes images of one name that are for several architectures as an OCI layout with one index, of which
// whoever pulls gets the image for their machine. The folder must not be there yet, or a push would find two indexes in
// it and push neither. What the images' labels say is said of the index too, which is all that most registries show.
func WriteLayout(dir string, images []Image) error {
	if len(images) == 0 {
		return errors.New("write an OCI layout: there is no image for it")
	}
	tag, err := name.NewTag(images[0].Tag)
	if err != nil {
		return fmt.Errorf("the tag %q is none: write it as in kubescim/kubescim:dev: %w", images[0].Tag, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the folder %s for the OCI layout is there already: remove it first", dir)
	}
	index, err := indexOf(images)
	if err != nil {
		return fmt.Errorf("make the index of %s: %w", tag, err)
	}
	written, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("make the OCI layout %s: %w", dir, err)
	}
	if err := written.AppendIndex(index, layout.WithAnnotations(map[string]string{refName: tag.TagStr()})); err != nil {
		return fmt.Errorf("write the OCI layout %s: %w", dir, err)
	}
	return nil
}

// indexOf lists images by their platforms.
func indexOf(images []Image) (v1.ImageIndex, error) {
	var index v1.ImageIndex = empty.Index
	for _, image := range images {
		built, err := image.build()
		if err != nil {
			return nil, fmt.Errorf("for %s: %w", image.Architecture, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        built,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: image.Architecture}},
		})
	}
	annotated, ok := mutate.Annotations(index, images[0].Config.Labels).(v1.ImageIndex)
	if !ok {
		return nil, errors.New("annotating an index has not returned one")
	}
	return annotated, nil
}
