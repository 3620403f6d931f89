import { DaqCommand, processManagerFlags } from '../lib/cli/command.ts';
export default class DgramCat extends DaqCommand {
  static override summary = 'show, check, filter and follow dgrams';
  static override concern = 'dgrams' as const;
  static override baseFlags = processManagerFlags;
  override async run(): Promise<number> {
    await this.parse(DgramCat);
    this.out.line('hi');
    return 0;
  }
}
