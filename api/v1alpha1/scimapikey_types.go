package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ScimApiKeySpec says what one way in for a tenant should be. It is a union: the key is a
// bearer token, an OAuth client or federated, and stays what it is.
// +kubebuilder:validation:XValidation:rule="self.tenantRef == oldSelf.tenantRef",message="`tenantRef` must not change: a token belongs to one tenant. Create another ScimApiKey for the other tenant"
// +kubebuilder:validation:XValidation:rule="has(self.secretName) == has(oldSelf.secretName) && (!has(self.secretName) || self.secretName == oldSelf.secretName)",message="`secretName` must not change: the token is written once. Create another ScimApiKey with the other name"
// +kubebuilder:validation:XValidation:rule="has(self.bearerToken) == has(oldSelf.bearerToken) && (!has(self.bearerToken) || self.bearerToken == oldSelf.bearerToken)",message="`bearerToken` must not change: it says how the token was made. Create another ScimApiKey with the other `issuer`"
// +kubebuilder:validation:XValidation:rule="has(self.oauthClient) == has(oldSelf.oauthClient) && (!has(self.oauthClient) || self.oauthClient == oldSelf.oauthClient)",message="`oauthClient` must not change: it says what the client was given. Create another ScimApiKey"
// +kubebuilder:validation:XValidation:rule="has(self.federated) == has(oldSelf.federated)",message="`federated` must not be set or taken out later: a key stays what it is. Create another ScimApiKey"
// +kubebuilder:validation:XValidation:rule="[has(self.bearerToken), has(self.oauthClient), has(self.federated)].filter(member, member).size() <= 1",message="a key has one of `bearerToken`, `oauthClient` and `federated`, or none of them, which is a bearer token. Take out the others, or create a ScimApiKey for each"
// +kubebuilder:validation:XValidation:rule="!has(self.delivery) || !has(self.federated)",message="a `federated` key has no secret to hand over: take out `delivery`"
// +kubebuilder:validation:XValidation:rule="!has(self.rotation) || !has(self.federated)",message="a `federated` key has no secret to rotate: take out `rotation`"
// +kubebuilder:validation:XValidation:rule="!(has(self.delivery) || has(self.rotation)) || !has(self.bearerToken) || !has(self.bearerToken.issuer) || self.bearerToken.issuer != 'Offline'",message="the operator hands over and rotates only what it makes, and the token of this key is made elsewhere: take out `delivery` and `rotation`, and apply another ScimCredential to rotate"
// +kubebuilder:validation:XValidation:rule="!(has(self.delivery) || has(self.rotation)) || !has(self.oauthClient) || !has(self.oauthClient.secretIssuer) || self.oauthClient.secretIssuer != 'Offline'",message="the operator hands over and rotates only what it makes, and the secret of this client is made elsewhere: take out `delivery` and `rotation`, and apply another ScimCredential to rotate"
type ScimApiKeySpec struct {
	// tenantRef is the ScimTenant, in the same namespace, that the token is
	// for. It may be created after the key.
	// +required
	TenantRef TenantReference `json:"tenantRef,omitzero"`

	// description is a note for people, for example where the token is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Description string `json:"description,omitempty"`

	// state switches the key off and on. While it is Suspended, every request with it is
	// refused like one with a wrong token. Active when omitted.
	// +optional
	State APIKeyState `json:"state,omitempty"`

	// access says whether the key may change users and groups. ReadWrite when omitted, but
	// ReadOnly for a key with `federated.serviceAccount`.
	// +optional
	Access APIKeyAccess `json:"access,omitempty"`

	// resources are the types of resources that the key sees and changes. All when omitted.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	Resources []APIKeyResource `json:"resources,omitempty"`

	// allowedCIDRs are the networks from which the key may be used, for example
	// 203.0.113.0/24; a request from elsewhere is refused like one with a wrong token. From
	// anywhere when omitted. Behind a load balancer, the tenant's
	// `spec.endpoint.trustedProxies` must name it.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	AllowedCIDRs []CIDR `json:"allowedCIDRs,omitempty"`

	// rateLimit is how many requests may be sent with the key in a time, besides what the
	// tenant may send. More are answered 429, with how long to wait, and change nothing. No
	// limit of its own when omitted.
	// +optional
	// +kubebuilder:validation:XValidation:rule="has(self.requestsPerSecond) || has(self.writesPerSecond)",message="`burst` is of a rate: set `requestsPerSecond`, `writesPerSecond` or both, or take out `rateLimit`"
	RateLimit RateLimit `json:"rateLimit,omitzero"`

	// bearerToken makes the key a bearer token, and says how the token comes about. A key
	// with none of bearerToken, oauthClient and federated is a bearer token that the
	// operator makes.
	// +optional
	BearerToken BearerToken `json:"bearerToken,omitzero"`

	// oauthClient makes the key an OAuth 2.0 client, which gets access tokens for its
	// secret (RFC 6749 section 4.4).
	// +optional
	OAuthClient *OAuthClient `json:"oauthClient,omitempty"`

	// federated makes the key one without any secret of its own: tokens of another issuer
	// are exchanged for access tokens (RFC 7523).
	// +optional
	Federated Federation `json:"federated,omitzero"`

	// delivery says for how long the token stays in its Secret.
	// +optional
	Delivery Delivery `json:"delivery,omitzero"`

	// rotation says when the operator makes another token, and for how long the one
	// before goes on working.
	// +optional
	Rotation Rotation `json:"rotation,omitzero"`

	// secretName is the Secret, in the same namespace, into which the token is
	// written once, with the base URL beside it. The key's own name when
	// omitted. The Secret may be deleted after the token has been copied: the
	// token goes on working and is not made again.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.', for example 'acme-okta'"
	// +kubebuilder:validation:XValidation:rule="!self.endsWith('-scim-verifiers') && !self.endsWith('-scim-signing') && !self.endsWith('-scim-server-signing')",message="must not end with '-scim-verifiers', '-scim-signing' or '-scim-server-signing': Secrets of such names are those of servers. Choose another name, for example 'acme-okta'"
	SecretName string `json:"secretName,omitempty"`

	// expirationTime is when the token stops working. Never when omitted. Once it has
	// passed, the key's ScimCredentials are deleted.
	// +optional
	// +kubebuilder:validation:XValidation:rule="int(self) > 0",message="must be a time, for example '2026-05-01T12:00:00Z'"
	ExpirationTime metav1.Time `json:"expirationTime,omitzero"`
}

// APIKeyCredential is what the status of a key says of one ScimCredential.
type APIKeyCredential struct {
	// keyID is the key id of the token, which is the name of the ScimCredential.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	KeyID string `json:"keyID,omitempty"`

	// sha256 is the SHA-256 hash of the token, by which the token in the Secret is known
	// to be the same when the ScimCredential has to be made again.
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`

	// issueTime is when the token was made.
	// +required
	IssueTime metav1.Time `json:"issueTime,omitzero"`

	// notBefore is when the token begins to work. At once when omitted.
	// +optional
	NotBefore metav1.Time `json:"notBefore,omitzero"`

	// expirationTime is when the token stops working, if the key does not expire before.
	// +optional
	ExpirationTime metav1.Time `json:"expirationTime,omitzero"`

	// lastUsedTime is the hour in which the token was used last, if it ever was. It is
	// behind by some minutes.
	// +optional
	LastUsedTime metav1.Time `json:"lastUsedTime,omitzero"`
}

// ScimApiKeyStatus says what one bearer credential is. Nothing in it is secret.
type ScimApiKeyStatus struct {
	// conditions are Ready and what it is made of: TenantFound, Delivered and
	// CredentialsAccepted; Reconciling or Stalled while one of them holds.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status is about;
	// -1 until there is any status, so that nobody takes the resource for ready.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// type is what the key is, as its spec says.
	// +optional
	Type APIKeyType `json:"type,omitempty"`

	// keyID is the part of the token that tells keys apart; it is no secret and
	// stands in logs and in the meta of users and groups. Of several tokens, it is that
	// of the newest. A federated key has one that follows from what it accepts.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	KeyID string `json:"keyID,omitempty"`

	// secretName is the Secret into which the token was written; absent when a
	// ScimCredential was applied by somebody else, and when the Secret is gone of a key
	// whose delivery mode is Once.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// deliveredTime is when the token was written into the Secret, or when a
	// ScimCredential that somebody else applied was created.
	// +optional
	DeliveredTime metav1.Time `json:"deliveredTime,omitzero"`

	// delivery says what has become of the hand-over Secret of a key whose delivery mode
	// is Once.
	// +optional
	Delivery DeliveryStatus `json:"delivery,omitzero"`

	// credentials are the ScimCredentials of the key, newest first, 16 at most.
	// +optional
	// +listType=map
	// +listMapKey=keyID
	// +kubebuilder:validation:MaxItems=16
	Credentials []APIKeyCredential `json:"credentials,omitempty"`

	// federated says how a federated key is used.
	// +optional
	Federated FederationStatus `json:"federated,omitzero"`
}

// ScimApiKey is one way in for one tenant, by a bearer token. The operator makes
// the token, tells it once, in a Secret, and keeps only a hash, in a ScimCredential;
// or a ScimCredential is applied for a token that was made elsewhere. Deleting the
// ScimApiKey revokes its tokens.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=skey,categories=scim
// +kubebuilder:printcolumn:name="Tenant",type=string,JSONPath=`.spec.tenantRef.name`
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.status.type`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Key ID",type=string,JSONPath=`.status.keyID`
// +kubebuilder:printcolumn:name="Secret",type=string,JSONPath=`.status.secretName`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.spec.expirationTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Access",type=string,priority=1,JSONPath=`.spec.access`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:selectablefield:JSONPath=`.spec.tenantRef.name`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="`metadata.name` must be at most 63 characters, since labels are named after it"
// +kubebuilder:validation:XValidation:rule="oldSelf.hasValue() || has(self.spec.secretName) || !(self.metadata.name.endsWith('-scim-verifiers') || self.metadata.name.endsWith('-scim-signing') || self.metadata.name.endsWith('-scim-server-signing'))",optionalOldSelf=true,message="`metadata.name` must not end with '-scim-verifiers', '-scim-signing' or '-scim-server-signing', since Secrets of such names are those of servers, and the key's Secret is named like the key. Choose another name, or set `spec.secretName`, for example to 'acme-okta'"
type ScimApiKey struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what the credential should be.
	// +required
	Spec ScimApiKeySpec `json:"spec,omitzero"`

	// status says what the credential is.
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status ScimApiKeyStatus `json:"status,omitzero"`
}

// HandoverSecretName returns the name of the Secret that gets the token.
func (k *ScimApiKey) HandoverSecretName() string {
	return orDefault(k.Spec.SecretName, k.Name)
}

// Type returns what the key is: a bearer token when its spec says nothing.
func (k *ScimApiKey) Type() APIKeyType {
	switch {
	case k.IsFederated():
		return APIKeyFederated
	case k.Spec.OAuthClient != nil:
		return APIKeyOAuthClient
	default:
		return APIKeyBearerToken
	}
}

// TokenIssuer returns who makes the token of the key, or its client secret.
func (k *ScimApiKey) TokenIssuer() TokenIssuer {
	if k.Spec.OAuthClient != nil {
		return orDefault(k.Spec.OAuthClient.SecretIssuer, TokenIssuerOperator)
	}
	return orDefault(k.Spec.BearerToken.Issuer, TokenIssuerOperator)
}

// GetConditions returns the conditions of the key.
func (k *ScimApiKey) GetConditions() []metav1.Condition { return k.Status.Conditions }

// SetConditions replaces the conditions of the key.
func (k *ScimApiKey) SetConditions(conditions []metav1.Condition) { k.Status.Conditions = conditions }

// ScimApiKeyList is a list of ScimApiKeys.
//
// +kubebuilder:object:root=true
type ScimApiKeyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimApiKey `json:"items"`
}
