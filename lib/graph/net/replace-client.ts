import { DaqError } from '../../errors.ts';
import { ManagerLink } from './link.ts';
import type { MessageOf } from './messages.ts';

/** The manager asks every process of the cluster, and gives up on those that do not answer, before it answers. */
const PATIENCE_MS = 20_000;

/**
 * Asks a running manager to put another graph in force.
 * @throws UsageError if the URL makes no sense, DaqError `no-answer` if no manager answers
 */
export async function replaceGraph(
  manager: string,
  graph: { readonly text: string; readonly file: string },
  say: (text: string) => void,
): Promise<MessageOf<'replaced'>> {
  let answer: MessageOf<'replaced'> | undefined;
  const link = new ManagerLink(manager, {
    greeting: () => ({ kind: 'replace', ...graph }),
    onMessage: (message) => {
      if (message.kind !== 'replaced') return;
      answer = message;
      void link.close();
    },
    say,
  });
  const patience = setTimeout(() => void link.close(), PATIENCE_MS);
  await link.run();
  clearTimeout(patience);
  if (!answer) throw new DaqError('no-answer', 'no manager answers here', { place: { file: manager } });
  return answer;
}
