/** Which section of a document is that of this pod: its labels say so. */
import { WeftError } from '../../core/errors/index.ts';
import { labelsKey } from '../../core/proxyConfig/labels.ts';
import type { DocumentHead } from '../context.ts';
import { parsePodLabels } from './podLabels.ts';
import type { Text } from './texts.ts';

/** Position in the document's sections; `labels` is the text of the downward API's file. Throws SECTION_MISSING. */
export function sectionOf({ sections, epoch, revision }: DocumentHead, labels: Text): number {
  if (typeof labels !== 'string') {
    const why = labels ? `cannot be read: ${labels.message}` : 'is not there';
    throw new WeftError('SECTION_MISSING', `the file with the pod's labels ${why}`, { resource: 'labels' });
  }
  const key = labelsKey(parsePodLabels(labels));
  const index = sections.findIndex((section) => labelsKey(section.labels) === key);
  if (index !== -1) return index;
  throw new WeftError(
    'SECTION_MISSING',
    `revision ${epoch}/${revision} has ${sections.length} sections, none for the labels ${key}`,
    { resource: 'config.json', field: 'sections' },
  );
}

export const isSectionMissing = (error: unknown): boolean =>
  error instanceof WeftError && error.code === 'SECTION_MISSING';
