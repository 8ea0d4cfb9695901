package scimapikey

import scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"

// secretWord is what the secret of a key is called by those who have to enter it somewhere.
func secretWord(key *scimv1alpha1.ScimApiKey) string {
	if key.Spec.OAuthClient != nil {
		return "client secret"
	}
	return "token"
}
