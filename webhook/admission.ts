/**
 * The two things that the API server asks. Only what a user wrote leads to `allowed: false`. An error of our own
 * is thrown: the server then answers 500, and the failurePolicy of the webhook configuration decides, as it does when
 * no webhook answers at all. So whoever chose Ignore gets pods, and whoever chose Fail never gets one unprotected.
 */
import { policyWarnings, type MeshPolicy, type RawResource } from '../core/api/index.ts';
import { ownerToLookUp } from '../core/model/workload.ts';
import { injectPod, type InjectContext, type InjectResult, type Pod } from './inject/index.ts';
import {
  allow,
  allowWithPatch,
  objectOf,
  refuse,
  type AdmissionRequest,
  type AdmissionResponse,
} from './review.ts';
import { isKnownKind, validate } from './validate/validate.ts';
import type { ClusterView } from './view.ts';

export interface AdmissionOptions {
  view: ClusterView;
  systemNamespace: string;
  revision: string;
  image: InjectContext['image'];
}

/** An answer, and in short what it was: for logs and metrics. */
export interface Outcome {
  response: AdmissionResponse;
  /** injected, skipped, refused, allowed, ignored. */
  outcome: string;
  /** A stable word: SkipReason, error code, or empty. */
  reason: string;
  kind: string;
}

const isPodCreation = ({ operation, resource, subResource }: AdmissionRequest): boolean =>
  operation === 'CREATE' && resource.group === '' && resource.resource === 'pods' && !subResource;

async function contextOf(
  pod: Pod,
  request: AdmissionRequest,
  options: AdmissionOptions,
): Promise<InjectContext> {
  const { view, systemNamespace, revision, image } = options;
  const name = request.namespace || pod.metadata?.namespace || 'default';
  const step = ownerToLookUp(pod.metadata ?? {});
  const [labels, owner] = await Promise.all([
    view.namespaceLabels(name),
    step ? view.owner(name, step) : Promise.resolve(undefined),
  ]);
  return {
    namespace: { name, labels: labels ?? {} },
    systemNamespace,
    revision,
    trustDomain: view.trustDomain(),
    image,
    mesh: view.mesh(),
    lookupOwner: () => owner,
    ...(view.kubernetes ? { kubernetes: view.kubernetes } : {}),
  };
}

function answer(request: AdmissionRequest, result: InjectResult): Outcome {
  const { outcome, warnings } = result;
  if (outcome === 'refused') {
    const { problems } = result;
    const response = refuse(request, { kind: 'Pod', problems, warnings });
    return { response, outcome, reason: problems[0]?.code ?? '', kind: 'Pod' };
  }
  if (outcome === 'skipped') {
    return { response: allow(request, warnings), outcome, reason: result.reason, kind: 'Pod' };
  }
  return { response: allowWithPatch(request, result.patch, warnings), outcome, reason: '', kind: 'Pod' };
}

/** Mutating: gives a pod its proxy. Rejects for an error of our own. */
export async function admitPod(request: AdmissionRequest, options: AdmissionOptions): Promise<Outcome> {
  if (!isPodCreation(request)) {
    return { response: allow(request), outcome: 'ignored', reason: 'NotAPodCreation', kind: 'Pod' };
  }
  const pod = objectOf<Pod>(request);
  return answer(request, injectPod(pod, await contextOf(pod, request, options)));
}

/** Warnings for a policy; where its pods cannot be had, none about what it selects. */
async function warningsOf(
  policy: MeshPolicy,
  { view, systemNamespace }: AdmissionOptions,
): Promise<string[]> {
  const { namespace = '' } = policy.metadata;
  // stands for the pods that cannot be listed now, so that nothing is said about them
  const unknown = [{ namespace, labels: policy.spec.selector?.matchLabels ?? {}, proxy: true }];
  return policyWarnings(policy, {
    others: view.policies(),
    pods: (await view.podsOf(policy)) ?? unknown,
    systemNamespace,
    trustDomain: view.trustDomain(),
  });
}

/** Validating: MeshPolicy and MeshConfig. Rejects for an error of our own. */
export async function admitResource(request: AdmissionRequest, options: AdmissionOptions): Promise<Outcome> {
  const { operation, subResource } = request;
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || subResource) {
    return { response: allow(request), outcome: 'ignored', reason: 'NotAChangeOfSpec', kind: '' };
  }
  const object = withNamespace(objectOf<RawResource>(request), request.namespace);
  // a label of metrics: whoever reaches this port must not be able to make series
  const kind = isKnownKind(object.kind) ? object.kind : 'Unknown';
  const verdict = validate({
    object,
    ...(request.oldObject ? { oldObject: request.oldObject as RawResource } : {}),
    trustDomain: options.view.trustDomain(),
  });
  if (!verdict.ok) {
    const response = refuse(request, { kind, problems: verdict.problems });
    return { response, outcome: 'refused', reason: verdict.problems[0]?.code ?? '', kind };
  }
  const warnings = verdict.policy ? await warningsOf(verdict.policy, options) : [];
  return { response: allow(request, warnings), outcome: 'allowed', reason: '', kind };
}

/** The namespace of the request is the one that counts; the object may not say it yet. */
function withNamespace(object: RawResource, namespace: string | undefined): RawResource {
  return namespace ? { ...object, metadata: { ...object.metadata, namespace } } : object;
}
