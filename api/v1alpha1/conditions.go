package v1alpha1

// Condition types. Ready, Reconciling and Stalled are what kstatus reads
// (kubectl wait, Helm, Flux) and the health checks for Argo CD: Ready is always there; Reconciling and
// Stalled are there only while they are True.
const (
	// ConditionReady is True when the object does what its spec says.
	ConditionReady = "Ready"
	// ConditionReconciling is True while the operator is still working and
	// needs nobody.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when nothing more will happen until somebody
	// changes something; the message says what.
	ConditionStalled = "Stalled"

	// ConditionServerAvailable is True on a ScimTenant or a ScimServer when the SCIM server
	// answers on at least one replica.
	ConditionServerAvailable = "ServerAvailable"
	// ConditionReplicasConnected is False on a ScimServer, or a ScimTenant with a server of its
	// own, while some of the server's replicas cannot reach each other.
	ConditionReplicasConnected = "ReplicasConnected"
	// ConditionSpecAllowed is True on a ScimTenant when the operator's
	// configuration allows all that its spec asks for. While it is False, what was
	// written before goes on as it is.
	ConditionSpecAllowed = "SpecAllowed"
	// ConditionEndpointAccepted is True on a ScimTenant when its Ingress is in
	// place, for the host that it asks for, or all Gateways that it names have accepted its HTTPRoute.
	ConditionEndpointAccepted = "EndpointAccepted"
	// ConditionCertificateValid is True on a ScimTenant when the certificate that
	// its Ingress is to present is there, is for its host and has not expired, or
	// when there is none to look at.
	ConditionCertificateValid = "CertificateValid"
	// ConditionTLSServed is on a ScimServer, or a ScimTenant with a server of its own, whose pods are
	// to serve TLS: True when all of them do, with a certificate that has not expired.
	ConditionTLSServed = "TLSServed"
	// ConditionEndpointConfirmed is True on a ScimTenant once an Ingress controller
	// has stated an address for its Ingress, or all Gateways have accepted its HTTPRoute. Some
	// Ingress controllers never do: Ready does not depend on it.
	ConditionEndpointConfirmed = "EndpointConfirmed"
	// ConditionSchemasAccepted is True on a ScimTenant when its schema extensions
	// can be used. While it is False, the server goes by the last ones that could.
	ConditionSchemasAccepted = "SchemasAccepted"
	// ConditionLabelsAccepted is on a ScimTenant with spec.users.labels, and True when all of these
	// can be made of the attributes that users have. Those that cannot are left out.
	ConditionLabelsAccepted = "LabelsAccepted"
	// ConditionUsersSelectable is False on a ScimTenant while the server writes labels and
	// spec.lookup of users that were there before these were asked for. Ready does not depend on it.
	ConditionUsersSelectable = "UsersSelectable"

	// ConditionUpToDate is True on a ScimTenant when the pods of its server are of the
	// operator's release and configuration, and False while the server waits for its turn
	// to get these, or gets them. Ready does not depend on it.
	ConditionUpToDate = "UpToDate"
	// ConditionAutoscaled is on a ScimTenant whose server has autoscaling, and False while
	// the autoscaler cannot tell how many replicas there should be.
	ConditionAutoscaled = "Autoscaled"
	// ConditionMoved is on a ScimTenant once its spec.serverRef has changed: True when it is served
	// where that says, and False while it is moved there, or cannot be. It is served meanwhile.
	ConditionMoved = "Moved"
	// ConditionSeatsAvailable is on a ScimTenant that has a limit of active users,
	// and False while all its seats are taken.
	ConditionSeatsAvailable = "SeatsAvailable"
	// ConditionDeactivationsAllowed is on a ScimTenant with a spec.users.deactivationGuard, and False once that has
	// stopped a request: until its window has passed, or somebody sets allowUntil. Ready does not depend on it.
	ConditionDeactivationsAllowed = "DeactivationsAllowed"
	// ConditionProviderActive is False on a ScimTenant while its identity provider has sent nothing
	// for much longer than it usually does, and Unknown while it is not known how often it does.
	// Ready does not depend on it.
	ConditionProviderActive = "ProviderActive"
	// ConditionRequestsSucceeding is False on a ScimTenant while most of the requests that come
	// with a good token are refused or fail, and Unknown while there were few. Ready does not
	// depend on it.
	ConditionRequestsSucceeding = "RequestsSucceeding"

	// ConditionTenantFound is True on a ScimApiKey when its ScimTenant exists.
	ConditionTenantFound = "TenantFound"
	// ConditionDelivered is True on a ScimApiKey once every replica accepts the
	// token and the hand-over Secret has been written, or once a ScimCredential was
	// applied; and on a federated one, which has nothing to deliver.
	ConditionDelivered = "Delivered"
	// ConditionCredentialsAccepted is True on a ScimApiKey when every replica goes by the
	// newest state of its ScimCredentials, and at least one of them is good. On a federated
	// one, it is Unknown until a token of its issuer has been accepted.
	ConditionCredentialsAccepted = "CredentialsAccepted"
	// ConditionExpiringSoon is on a ScimApiKey that is to stop working, and True shortly
	// before that, unless it gets another token in time.
	ConditionExpiringSoon = "ExpiringSoon"
	// ConditionRotating is on a ScimApiKey that is rotated, and True from when another
	// token is made until the ones before have stopped working.
	ConditionRotating = "Rotating"

	// ConditionDeletionsComplete is on a ScimEventSink of which something was delivered: False once somebody was deleted of
	// whom its receiver may have heard, and nothing is left to tell it by. Ready does not depend on it.
	ConditionDeletionsComplete = "DeletionsComplete"

	// ConditionRoleAllowed is True on a ScimRoleBinding when the operator may bind the role, and the API
	// server has checked that who wrote the spec may.
	ConditionRoleAllowed = "RoleAllowed"
	// ConditionGroupFound is True on a ScimRoleBinding when its tenant has one such group, and Unknown
	// while the operator has not looked.
	ConditionGroupFound = "GroupFound"
)

// Condition and event reasons.
const (
	// ReasonSucceeded: everything the spec asks for is in place.
	ReasonSucceeded = "Succeeded"
	// ReasonProgressing: the operator is at work.
	ReasonProgressing = "Progressing"
	// ReasonPaused: the tenant's spec.state is Paused; clients get 503.
	ReasonPaused = "Paused"
	// ReasonDeleting: the object is being deleted.
	ReasonDeleting = "Deleting"
	// ReasonReconcileFailed: a call to the API server failed and is retried.
	ReasonReconcileFailed = "ReconcileFailed"

	// ReasonServerRollingOut: the Deployment has not yet all the replicas it wants.
	ReasonServerRollingOut = "RollingOut"
	// ReasonServerUnavailable: no replica of the SCIM server is ready.
	ReasonServerUnavailable = "Unavailable"
	// ReasonRolloutPaused: somebody has paused the Deployment before it had all the
	// replicas it wants.
	ReasonRolloutPaused = "RolloutPaused"

	// ReasonHasTenants: the ScimServer is to be deleted, and serves tenants that are not.
	ReasonHasTenants = "HasTenants"
	// ReasonServerNotFound: there is no ScimServer of the name in spec.serverRef.
	ReasonServerNotFound = "ServerNotFound"
	// ReasonServerNotReady: the ScimServer answers nobody.
	ReasonServerNotReady = "ServerNotReady"
	// ReasonAttaching: not all replicas of the ScimServer have the tenant yet.
	ReasonAttaching = "Attaching"
	// ReasonMoving: the tenant is being moved to the server of its spec.serverRef, or to one of its
	// own.
	ReasonMoving = "Moving"
	// ReasonServerOutdated: a pod that the move concerns is of a release that knows of no moves.
	ReasonServerOutdated = "ServerOutdated"
	// ReasonURLWouldChange: the tenant has no URL but that of the ScimServer which it is to leave.
	ReasonURLWouldChange = "URLWouldChange"
	// ReasonNotServed: the ScimServer cannot serve the tenant, or no server serves the event sink.
	ReasonNotServed = "NotServed"

	// ReasonNoHost: spec.endpoint.host is not set; the server is reachable
	// inside the cluster only.
	ReasonNoHost = "ClusterLocal"
	// ReasonPeersUnreachable: replicas cannot reach each other, so that every read
	// is one of the API server.
	ReasonPeersUnreachable = "PeersUnreachable"
	// ReasonNotAllowed: the operator's configuration does not allow what the spec
	// asks for.
	ReasonNotAllowed = "NotAllowed"
	// ReasonTLSRequired: nothing says of a host which certificate its Ingress presents, or that
	// TLS ends elsewhere.
	ReasonTLSRequired = "TLSRequired"
	// ReasonTLSElsewhere: TLS ends where the operator sees nothing of it.
	ReasonTLSElsewhere = "TLSElsewhere"
	// ReasonCertificateNotFound: the Secret with the certificate does not exist.
	ReasonCertificateNotFound = "CertificateNotFound"
	// ReasonCertificateInvalid: the Secret has no certificate that can be read.
	ReasonCertificateInvalid = "CertificateInvalid"
	// ReasonCertificateExpired: the certificate is not valid any more, or not yet.
	ReasonCertificateExpired = "CertificateExpired"
	// ReasonCertificateExpiringSoon: the certificate is valid, and not for much longer.
	ReasonCertificateExpiringSoon = "CertificateExpiringSoon"
	// ReasonCertificateNotForHost: the certificate is for other hosts.
	ReasonCertificateNotForHost = "CertificateNotForHost"
	// ReasonServerCertificateNotFound: the Secret with the certificate of the server's pods does not
	// exist.
	ReasonServerCertificateNotFound = "ServerCertificateNotFound"
	// ReasonServerCertificateInvalid: the Secret is of another type, or has no certificate that can be
	// read.
	ReasonServerCertificateInvalid = "ServerCertificateInvalid"
	// ReasonServerCertificateExpired: the certificate of the server's pods is not valid any more, or
	// not yet.
	ReasonServerCertificateExpired = "ServerCertificateExpired"
	// ReasonEndpointUnconfirmed: no Ingress controller has stated an address for
	// the Ingress, or not all Gateways have accepted the HTTPRoute.
	ReasonEndpointUnconfirmed = "EndpointUnconfirmed"
	// ReasonHostInvalid: the host that the operator's configuration would give the tenant is
	// none that can be published.
	ReasonHostInvalid = "HostInvalid"
	// ReasonHostConflict: another ScimTenant holds the host.
	ReasonHostConflict = "HostConflict"
	// ReasonIngressClassNotFound: the Ingress class that the tenant names, or
	// any default one, does not exist.
	ReasonIngressClassNotFound = "IngressClassNotFound"
	// ReasonGatewayAPINotFound: the spec asks for an HTTPRoute, and the cluster has none of the Gateway
	// API's definitions, or too old ones.
	ReasonGatewayAPINotFound = "GatewayAPINotFound"
	// ReasonRoutePending: a Gateway has not said yet whether it accepts the HTTPRoute.
	ReasonRoutePending = "RoutePending"
	// ReasonRouteNotAccepted: a Gateway does not accept the HTTPRoute.
	ReasonRouteNotAccepted = "RouteNotAccepted"
	// ReasonRouteRefsNotResolved: a Gateway does not find, or may not use, what the HTTPRoute leads to.
	ReasonRouteRefsNotResolved = "RouteRefsNotResolved"
	// ReasonObjectConflict: an object that the operator needs to write exists
	// already and belongs to somebody else.
	ReasonObjectConflict = "ObjectConflict"
	// ReasonObjectContested: somebody else changes an object as often as the operator
	// puts it right, most likely another operator.
	ReasonObjectContested = "ObjectContested"
	// ReasonObjectInvalid: the API server refuses an object as invalid that the operator
	// has to write, which no retry mends.
	ReasonObjectInvalid = "ObjectInvalid"

	// ReasonWaitingForRollout: the server gets what the operator gives to all servers
	// after others.
	ReasonWaitingForRollout = "WaitingForRollout"
	// ReasonRolloutHalted: the servers that got it first do not become ready.
	ReasonRolloutHalted = "RolloutHalted"
	// ReasonNotWritten: the Deployment cannot be or may not be written.
	ReasonNotWritten = "NotWritten"

	// ReasonScalingInactive: the autoscaler leaves the number of replicas as it is.
	ReasonScalingInactive = "ScalingInactive"

	// ReasonSeatsAvailable: one more user may be active.
	ReasonSeatsAvailable = "SeatsAvailable"
	// ReasonFewSeatsLeft: at least nine tenths of the seats are taken, and not all.
	ReasonFewSeatsLeft = "FewSeatsLeft"
	// ReasonSeatsExhausted: all seats are taken; a request that would make one more
	// user active is refused.
	ReasonSeatsExhausted = "SeatsExhausted"

	// ReasonWithinGuard: the deactivationGuard has stopped nothing lately.
	ReasonWithinGuard = "WithinGuard"
	// ReasonGuardOpen: the deactivationGuard stops nothing until its allowUntil.
	ReasonGuardOpen = "GuardOpen"
	// ReasonDeactivationsGuarded: the deactivationGuard has stopped a request.
	ReasonDeactivationsGuarded = "DeactivationsGuarded"

	// ReasonFewRequests: there were too few requests to judge by.
	ReasonFewRequests = "FewRequests"
	// ReasonRequestsArrive: requests come as they usually do.
	ReasonRequestsArrive = "RequestsArrive"
	// ReasonProviderSilent: no request has come for much longer than usual.
	ReasonProviderSilent = "ProviderSilent"
	// ReasonMostlyFailing: most requests are refused or fail.
	ReasonMostlyFailing = "MostlyFailing"

	// ReasonInvalidSchema: a schema extension contradicts itself or another one.
	ReasonInvalidSchema = "InvalidSchema"
	// ReasonInvalidLabel: a label of users names an attribute of which none can be made.
	ReasonInvalidLabel = "InvalidLabel"

	// ReasonTenantNotFound: no ScimTenant of that name in the namespace of the key, role or event sink.
	ReasonTenantNotFound = "TenantNotFound"
	// ReasonWaitingForServer: the token is minted, and some replica has not yet
	// said that it accepts it.
	ReasonWaitingForServer = "WaitingForServer"
	// ReasonDelivered: the hand-over Secret has been written.
	ReasonDelivered = "Delivered"
	// ReasonProvided: a ScimCredential was applied by somebody else than the operator.
	ReasonProvided = "Provided"
	// ReasonWaitingForCredential: the token is made elsewhere, and its ScimCredential is
	// not there.
	ReasonWaitingForCredential = "WaitingForCredential"
	// ReasonNoCredential: the key has no ScimCredential.
	ReasonNoCredential = "NoCredential" //nolint:gosec // A reason, not a credential.
	// ReasonCredentialLost: the ScimCredential of a token that was handed over is gone.
	ReasonCredentialLost = "CredentialLost" //nolint:gosec // A reason, not a credential.
	// ReasonCredentialsNotBefore: the key's ScimCredentials were issued before the
	// tenant's spec.credentialsNotBefore.
	ReasonCredentialsNotBefore = "CredentialsNotBefore"
	// ReasonEarly: the notBefore of the key's ScimCredentials is still to come.
	ReasonEarly = "Early"
	// ReasonExpired: the expirationTime of the key, or of all its ScimCredentials, has
	// passed.
	ReasonExpired = "Expired"
	// ReasonSuspended: the key's spec.state is Suspended; clients get 401.
	ReasonSuspended = "Suspended"

	// ReasonFederated: the key has no token of its own.
	ReasonFederated = "Federated"
	// ReasonInvalidCABundle: the certificates of a federated key cannot be used.
	ReasonInvalidCABundle = "InvalidCABundle"
	// ReasonNotUsed: no token of a federated key's issuer has been accepted so far.
	ReasonNotUsed = "NotUsed"
	// ReasonUsed: tokens of a federated key's issuer have been accepted.
	ReasonUsed = "Used"

	// ReasonSoon: the key stops working soon.
	ReasonSoon = "Soon"
	// ReasonLater: the key stops working, and not soon.
	ReasonLater = "Later"
	// ReasonRenewed: another token is made before the key's token stops working.
	ReasonRenewed = "Renewed"

	// ReasonScheduled: it is known when another token is made.
	ReasonScheduled = "Scheduled"
	// ReasonOnDemand: another token is made when somebody asks for it.
	ReasonOnDemand = "OnDemand"
	// ReasonOverlap: another token has been handed over, and the ones before still work.
	ReasonOverlap = "Overlap"
	// ReasonInvalidTime: an annotation has no time as its value.
	ReasonInvalidTime = "InvalidTime"
	// ReasonMadeElsewhere: the operator does not make the key's tokens.
	ReasonMadeElsewhere = "MadeElsewhere"
	// ReasonTooManyCredentials: the key has as many ScimCredentials as it may have.
	ReasonTooManyCredentials = "TooManyCredentials" //nolint:gosec // A reason, not a credential.
	// ReasonWithdrawn: the hand-over Secret was deleted, as the delivery mode Once says.
	ReasonWithdrawn = "Withdrawn"

	// ReasonValueTaken: an older ScimRole of the tenant has the value.
	ReasonValueTaken = "ValueTaken"
	// ReasonTooManyRoles: the tenant has as many ScimRoles as are served.
	ReasonTooManyRoles = "TooManyRoles"

	// ReasonDelivering: the receiver of a ScimEventSink accepts what it is sent.
	ReasonDelivering = "Delivering"
	// ReasonDeliveryFailed: the receiver could not be reached, or has refused an event, which is sent again.
	ReasonDeliveryFailed = "DeliveryFailed"
	// ReasonCursorAhead: the cursor of a ScimEventSink is ahead of what the API server has, as it is after a
	// restore of etcd.
	ReasonCursorAhead = "CursorAhead"
	// ReasonNoSigningKey: the SCIM server has no key yet to sign events with, or no URL to sign them as.
	ReasonNoSigningKey = "NoSigningKey"

	// ReasonMarkersStay: what is left of deleted users and groups has stayed until the receiver heard of it.
	ReasonMarkersStay = "MarkersStay"
	// ReasonDeletionsMissed: it has not.
	ReasonDeletionsMissed = "DeletionsMissed"

	// ReasonRevoked: the key was deleted and no replica accepts it any more.
	ReasonRevoked = "Revoked"

	// ReasonGroupNotFound: the tenant has no such group.
	ReasonGroupNotFound = "GroupNotFound"
	// ReasonGroupGone: the tenant has the group no more that it had, or has it by another name.
	ReasonGroupGone = "GroupGone"
	// ReasonGroupAmbiguous: the tenant has several such groups.
	ReasonGroupAmbiguous = "GroupAmbiguous"
	// ReasonGroupTooLarge: the group has more members than role bindings are made for.
	ReasonGroupTooLarge = "GroupTooLarge"
	// ReasonPolicyMissing: nothing checks what who writes a ScimRoleBinding may bind.
	ReasonPolicyMissing = "PolicyMissing"
	// ReasonNotVouchedFor: the ScimRoleBinding is older than what checks who may write it.
	ReasonNotVouchedFor = "NotVouchedFor"
	// ReasonDryRun: nothing is done, as spec.mode says.
	ReasonDryRun = "DryRun"
)
