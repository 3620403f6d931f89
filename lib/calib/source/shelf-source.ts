/** Constants of a folder or a bundle, answered as the service would answer. */

import { createHash } from 'node:crypto';
import { DataError } from '../../errors.ts';
import { dtypeName, readNpyHeader, shapeText } from '../../npy.ts';
import { integer, integerField, isRecord, parseExact, textField } from '../document.ts';
import type { DocRecord, DocValue } from '../types.ts';
import { constantsOn, folderFor, type Shelf, type ShelfConstant, type ShelfFile } from './shelf.ts';
import type { ConstantSource, Database, DetectorKey } from './types.ts';

/** Headers are hardly ever longer than 128 bytes. */
const NPY_HEADER = 64 * 1024;
const ID_DIGITS = 16;

export class ShelfSource implements ConstantSource {
  readonly name: string;
  private readonly shelf: Shelf;

  constructor(shelf: Shelf) {
    this.shelf = shelf;
    this.name = shelf.name;
  }

  async documents(database: Database, detector: DetectorKey, lastRun: number): Promise<DocRecord[]> {
    const found = await this.constantsOf(database, detector);
    const docs = await Promise.all(found.map((constant) => this.documentOf(constant, detector)));
    return docs.filter((doc) => (integerField(doc, 'run') ?? 0) <= lastRun);
  }

  async contents(_database: Database, detector: DetectorKey, idData: string): Promise<Buffer> {
    const bytes = await this.contentsById(idData);
    if (bytes !== undefined) return bytes;
    throw new DataError('calib-source', `a file of ${detector.name} has changed while it was read`, {
      place: { file: this.name },
    });
  }

  /** Contents by their id alone; undefined if there are none. */
  async contentsById(idData: string): Promise<Buffer | undefined> {
    const found = constantsOn(await this.shelf.list()).find(({ file }) => idOf(file) === idData);
    const bytes = await found?.file.read();
    if (found?.ending !== 'npy' || bytes === undefined) return bytes;
    return bytes.subarray(readNpyHeader(bytes, this.place(found.file)).start);
  }

  /** Folders are named as people like; a long name is as good as a short one. */
  async shortId(_type: string, longId: string): Promise<string> {
    return longId;
  }

  /** Names of the folders that hold constants. */
  async folders(): Promise<string[]> {
    return [...new Set(constantsOn(await this.shelf.list()).map(({ folder }) => folder))];
  }

  close(): void {}

  private async constantsOf(database: Database, detector: DetectorKey): Promise<ShelfConstant[]> {
    const all = constantsOn(await this.shelf.list());
    const folder = folderFor(new Set(all.map((constant) => constant.folder)), detector);
    const own = database.of === 'detector';
    return all.filter((constant) => constant.folder === folder && constant.own === own);
  }

  /** Fields of the file's name and contents count more than those of the document beside it. */
  private async documentOf(constant: ShelfConstant, detector: DetectorKey): Promise<DocRecord> {
    const { file, runs } = constant;
    const beside = constant.document === undefined ? {} : await this.readDocument(constant.document);
    const given = textField(beside, '_id');
    return {
      run: integer(0),
      run_end: 'end',
      ...beside,
      _id: given !== undefined && /^[0-9a-f]{24}$/i.test(given) ? given : idOf(file),
      id_data: idOf(file),
      ctype: constant.ctype,
      detector: detector.id,
      ...(runs === undefined
        ? {}
        : { run: integer(runs.begin), run_end: runs.end === 'end' ? runs.end : integer(runs.end) }),
      ...(await this.contentFields(constant)),
    };
  }

  private async readDocument(file: ShelfFile): Promise<DocRecord> {
    const place = { file: this.place(file) };
    const bytes = await file.read();
    try {
      const value = parseExact(bytes);
      if (isRecord(value)) return value;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      throw new DataError('calib-source', error.message, { place: { ...error.place, ...place }, cause: error });
    }
    throw new DataError('calib-source', 'a document is one JSON object', { place });
  }

  private async contentFields({ file, ending }: ShelfConstant): Promise<Record<string, DocValue>> {
    if (ending === 'pickle') return { data_type: 'any', data_size: String(file.bytes) };
    if (ending !== 'npy') return { data_type: 'str', data_size: String(file.bytes) };
    const { dtype, shape } = readNpyHeader(await file.read(NPY_HEADER), this.place(file));
    return {
      data_type: 'ndarray',
      data_dtype: dtypeName(dtype),
      data_shape: shapeText(shape),
      data_ndim: String(shape.length),
      data_size: String(shape.reduce((product, length) => product * length, 1)),
    };
  }

  private place(file: ShelfFile): string {
    return `${this.name}/${file.path}`;
  }
}

/** As ids of the service: the time in seconds, then what tells files apart. Another file under the same name has another id. */
function idOf({ path, bytes, seconds, version }: ShelfFile): string {
  const time = Math.floor(seconds).toString(16).padStart(8, '0').slice(-8);
  const rest = createHash('sha256').update(`${path}\0${bytes}\0${version}`).digest('hex').slice(0, ID_DIGITS);
  return time + rest;
}
