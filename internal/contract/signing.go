package contract

// The keys that the pods of a server sign access tokens with. The operator keeps
// them in a Secret, which every pod has mounted: a server has no right to read Secrets.
const (
	// SigningKeysFile is the name of the file in the Secret, as package signingkey reads it.
	SigningKeysFile = "keys.json"
	// PathSigning is where the Secret is mounted.
	PathSigning = "/etc/kubescim/signing"
	// FlagSigningKeys has the path of the file.
	FlagSigningKeys = "signing-keys"
)

// SigningName returns the name of the Secret with the keys that the access tokens of a
// server's tenants are signed with. server is the name of the server's Service.
func SigningName(server string) string { return server + "-signing" }
