import type { Fault } from '../../model/fault.ts';

/**
 * What the service's error codes mean; those not listed are judged by their status.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
 * @see https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
 */
export const azureFaults: ReadonlyMap<string, Fault> = new Map<string, Fault>([
  ['BlobNotFound', 'not-found'],
  ['ResourceNotFound', 'not-found'],
  ['ContainerNotFound', 'no-bucket'],
  ['ContainerBeingDeleted', 'no-bucket'], // Its name is free again half a minute later.
  ['ContainerDisabled', 'denied'],
  ['ConditionNotMet', 'changed'],
  ['SourceConditionNotMet', 'changed'],
  ['BlobAlreadyExists', 'exists'],
  ['AuthenticationFailed', 'bad-credentials'],
  ['InvalidAuthenticationInfo', 'bad-credentials'],
  ['NoAuthenticationInformation', 'bad-credentials'],
  ['AuthorizationFailure', 'denied'], // The account's firewall, as a rule.
  ['AuthorizationPermissionMismatch', 'denied'],
  ['AuthorizationProtocolMismatch', 'denied'],
  ['AuthorizationResourceTypeMismatch', 'denied'],
  ['AuthorizationServiceMismatch', 'denied'],
  ['AuthorizationSourceIPMismatch', 'denied'],
  ['InsufficientAccountPermissions', 'denied'],
  ['KeyBasedAuthenticationNotPermitted', 'denied'],
  ['PublicAccessNotPermitted', 'denied'],
  ['AccountIsDisabled', 'denied'],
  ['BlobImmutableDueToPolicy', 'denied'],
  ['BlobArchived', 'archived'],
  ['BlobBeingRehydrated', 'archived'],
  ['ServerBusy', 'throttled'],
  ['OperationTimedOut', 'unavailable'],
  ['InternalError', 'unavailable'],
  ['AccountBeingCreated', 'unavailable'],
  ['PendingCopyOperation', 'unavailable'],
  ['Md5Mismatch', 'corrupt'],
  ['Crc64Mismatch', 'corrupt'],
  ['InvalidBlockList', 'corrupt'], // What lies there is not what was put: a new upload may do.
  ['InvalidBlobOrBlock', 'refused'],
  ['InvalidBlobType', 'refused'],
  ['LeaseIdMissing', 'refused'], // 412, which else would mean another object.
  ['LeaseNotPresentWithBlobOperation', 'refused'],
  ['UnsupportedHeader', 'unsupported'],
  ['UnsupportedHttpVerb', 'unsupported'],
  ['FeatureVersionMismatch', 'unsupported'],
]);

/** What a person can do, where the service's own words do not say it. */
export const azureHints: ReadonlyMap<string, string> = new Map([
  ['AuthorizationFailure', 'the firewall of the storage account may not let this machine in'],
  [
    'AuthorizationPermissionMismatch',
    'the SAS token lacks a permission (sp), or who delegated it a role: a source needs r and l, a destination r, c, w, d and l',
  ],
  [
    'AuthorizationResourceTypeMismatch',
    'the SAS token of the account lacks a type of resources (srt): it needs c for listings and o for objects',
  ],
  [
    'AuthorizationServiceMismatch',
    'the SAS token of the account is not for blobs (ss): it needs b',
  ],
  [
    'AuthorizationProtocolMismatch',
    'the SAS token is for https only (spr), and the endpoint is not',
  ],
  [
    'AuthorizationSourceIPMismatch',
    'the SAS token is for other addresses (sip) than this machine’s',
  ],
  [
    'KeyBasedAuthenticationNotPermitted',
    'the storage account takes no account keys: allow them, or give a SAS token that a user delegates',
  ],
  [
    'InvalidBlobType',
    'a page or append blob has this name, and only block blobs are written in blocks: delete it first',
  ],
  [
    'InvalidBlobOrBlock',
    'blocks of another program, with IDs of another length, wait under this name: commit them, or wait a week until Azure drops them',
  ],
  ['LeaseIdMissing', 'somebody holds a lease on this blob: it can be written when the lease ends'],
]);
