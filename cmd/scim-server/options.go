package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/program"
	"github.com/kubescim/kubescim/internal/readindex/driver"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

// defaultLinger is shorter than what a pod has between SIGTERM and SIGKILL.
const defaultLinger = 15 * time.Second

// options are the flags and the environment.
type options struct {
	tenant        string // empty for a server of many
	server        string // empty for a server of one
	address       string
	secureAddress string
	certificate   string // folder; empty without TLS
	healthAddress string
	peerAddress   string
	signingKeys   string
	linger        time.Duration
	absence       time.Duration
	issuers       contract.Hosts
	eventSinks    contract.Hosts
	pod           driver.Pod
}

// parse reads the flags and the environment. It fails as program.Parse does, or says what
// is missing.
func parse(args []string, getenv func(string) string) (options, error) {
	o := options{pod: driver.Pod{
		Namespace: getenv(contract.EnvPodNamespace), Name: getenv(contract.EnvPodName),
		UID: getenv(contract.EnvPodUID), IP: getenv(contract.EnvPodIP),
	}}
	flags := flag.NewFlagSet("scim-server", flag.ContinueOnError)
	flags.StringVar(&o.tenant, contract.FlagTenant, "", "name of the ScimTenant, in the pod's namespace")
	flags.StringVar(&o.server, contract.FlagServer, "", "name of the ScimServer whose tenants are served, in the pod's namespace, instead of --"+contract.FlagTenant)
	flags.StringVar(&o.address, "address", at(contract.PortSCIM), "address of the SCIM API")
	flags.StringVar(&o.secureAddress, "secure-address", at(contract.PortSCIMTLS), "address of the SCIM API over TLS")
	flags.StringVar(&o.certificate, contract.FlagServerCertificate, "",
		"folder with the certificate of the SCIM API over TLS, in tls.crt, and its key, in tls.key; without it, there is none")
	flags.StringVar(&o.healthAddress, "health-address", at(contract.PortHealth), "address of /livez, /readyz and /metrics")
	flags.StringVar(&o.peerAddress, "peer-address", at(contract.PortPeers), "address to listen at for the other replicas of the tenant")
	flags.StringVar(&o.signingKeys, contract.FlagSigningKeys, "", "path of the file with the keys to sign access tokens with; without it, none are given out")
	flags.DurationVar(&o.linger, "linger", defaultLinger, "how long after SIGTERM open connections may still send requests")
	flags.DurationVar(&o.absence, contract.FlagAbsence, upkeep.DefaultAbsenceAge,
		"how long a user or group must have been absent before what refers to it is removed")
	hosts := flags.String(contract.FlagIssuerHosts, "", "hosts whose issuers may be asked for their keys, with commas between them; *.example.com is for all under it")
	networks := flags.String(contract.FlagIssuerNetworks, "", "networks that these hosts may be in beside public ones, with commas between them")
	sinkHosts := flags.String(contract.FlagEventSinkHosts, "", "hosts that events may be sent to, with commas between them; *.example.com is for all under it")
	sinkNetworks := flags.String(contract.FlagEventSinkNetworks, "", "networks that these hosts may be in beside public ones, with commas between them")
	if err := program.Parse(flags, args); err != nil {
		return options{}, err
	}
	var err error
	if o.issuers, err = contract.ParseHosts(*hosts, *networks); err != nil {
		return options{}, err
	}
	if o.eventSinks, err = contract.ParseHosts(*sinkHosts, *sinkNetworks); err != nil {
		return options{}, err
	}
	return o, o.validate()
}

func (o options) validate() error {
	if (o.tenant == "") == (o.server == "") || o.pod.Namespace == "" || o.pod.Name == "" || o.pod.UID == "" || o.pod.IP == "" {
		return errors.New("either --tenant or --server, and POD_NAMESPACE, POD_NAME, POD_UID and POD_IP must be set; the operator does so in the Deployment it makes")
	}
	return nil
}

// at is the address of a port at every interface.
func at(port int32) string { return fmt.Sprintf(":%d", port) }
