/** A complete environment of a proxy container, with the given changes. */
export const variables = (change: Record<string, string | undefined> = {}) => ({
  WEFT_POD_NAME: 'cart-1',
  WEFT_POD_NAMESPACE: 'shop',
  WEFT_POD_UID: 'uid-1',
  WEFT_POD_IPS: '10.0.0.7,fd00::7',
  WEFT_NODE_NAME: '',
  WEFT_SERVICE_ACCOUNT: 'cart',
  WEFT_WORKLOAD_KIND: 'deployment',
  WEFT_WORKLOAD_NAME: 'cart',
  WEFT_TRUST_DOMAIN: 'cluster.local',
  WEFT_SYSTEM_NAMESPACE: 'weft-system',
  WEFT_CONTROL: 'weft-operator.weft-system.svc:15010',
  ...change,
});
