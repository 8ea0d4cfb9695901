package contract

// The keys that the pods of a server sign access tokens with. The operator keeps
// them in a Secret, which every pod has mounted: a server has no right to read Secrets.
const (
	// SigningKeysFile is the name of the file in the Secret, as package signingkey reads it.
	SigningKeysFile = "keys.json"
	// VerifyingKeysFile is the name of a file beside it, with the public keys of other servers which
	// tenants were moved from, or are about to be moved to, as package signingkey reads it. It need
	// not be there.
	VerifyingKeysFile = "verifying.json"
	// PathSigning is where the Secret is mounted.
	PathSigning = "/etc/kubescim/signing"
	// FlagSigningKeys has the path of the file.
	FlagSigningKeys = "signing-keys"
)

// SigningName returns the name of the Secret with the keys that the access tokens of a
// server's tenants are signed with. server is the name of the server's Service.
func SigningName(server string) string { return server + "-signing" }
