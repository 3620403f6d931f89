/**
 * How constants stand in a folder, and in the same way in a bundle:
 *
 *     epix/pedestals.npy              of every run; also .txt and .json (text), .pickle (never read)
 *     epix/pedestals@5-9.npy          of runs 5 to 9; @5-end from run 5 on
 *     epix/pedestals@5-9.doc.json     more fields of its document, if there are any
 *     epix/own/pixel_mask.npy         the detector's own: taken where the others have nothing for a run
 *
 * Pure: names in, meaning out.
 */

/** A file with contents or a document. */
export interface ShelfFile {
  /** `epix/pedestals.npy`. */
  readonly path: string;
  readonly bytes: number;
  /** Last change, seconds since 1970. */
  readonly seconds: number;
  /** Another one when the contents may be others. */
  readonly version: string;
  /** @param limit only so many bytes from the beginning */
  read(limit?: number): Promise<Buffer>;
}

/** A place that holds such files. */
export interface Shelf {
  /** For messages. */
  readonly name: string;
  /** @throws InputError if it is not there or not readable */
  list(): Promise<readonly ShelfFile[]>;
}

export type Ending = 'npy' | 'txt' | 'json' | 'pickle';

export interface RunsInName {
  readonly begin: number;
  readonly end: number | 'end';
}

/** A constant on a shelf. */
export interface ShelfConstant {
  readonly folder: string;
  /** In the detector's own database. */
  readonly own: boolean;
  readonly ctype: string;
  readonly ending: Ending;
  /** From the name; undefined if the name has none. */
  readonly runs: RunsInName | undefined;
  readonly file: ShelfFile;
  readonly document: ShelfFile | undefined;
}

const OWN = 'own';
const DOCUMENT = '.doc.json';
const NAME = /^([^@/]+)(?:@(\d{1,4})-(\d{1,4}|end))?\.(npy|txt|json|pickle)$/;

/** What the files are; those that are neither constants nor documents are passed over. */
export function constantsOn(files: readonly ShelfFile[]): ShelfConstant[] {
  const documents = new Map(files.filter(({ path }) => path.endsWith(DOCUMENT)).map((file) => [file.path, file]));
  return files.flatMap((file) => {
    const parts = file.path.split('/');
    const name = NAME.exec(parts.at(-1)!);
    const own = parts.length === 3 && parts[1] === OWN;
    if (!name || file.path.endsWith(DOCUMENT) || !(own || parts.length === 2)) return [];
    const [, ctype, begin, end, ending] = name;
    const document = documents.get(`${file.path.slice(0, -(ending!.length + 1))}${DOCUMENT}`);
    return [
      { folder: parts[0]!, own, ctype: ctype!, ending: ending as Ending, runs: runsOf(begin, end), file, document },
    ];
  });
}

function runsOf(begin: string | undefined, end: string | undefined): RunsInName | undefined {
  if (begin === undefined) return undefined;
  return { begin: Number(begin), end: end === 'end' ? end : Number(end) };
}

/** The path of a constant on a shelf, without its ending. */
export function shelfPath(folder: string, own: boolean, ctype: string): string {
  return own ? `${folder}/${OWN}/${ctype}` : `${folder}/${ctype}`;
}

/** Which folder holds a detector: one with its unique id, else one with its name, else one with its type. */
export function folderFor(
  folders: ReadonlySet<string>,
  detector: { readonly id: string; readonly name: string; readonly type: string },
): string | undefined {
  return [detector.id, detector.name, detector.type].find((name) => folders.has(name));
}
