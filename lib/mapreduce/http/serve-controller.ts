/** A controller with its HTTP server, from start to end. */

import { metricsText, type Stage } from '../../cli/metrics.ts';
import { advertisedUrl } from '../address/advertise.ts';
import { thisHost } from '../address/socket.ts';
import { Controller, type ControllerOptions } from '../control/controller.ts';
import type { Limits } from '../control/limits.ts';
import { controlBalance, controlMeters } from '../control/meters.ts';
import { controlRoutes, explain } from './control-api.ts';
import { HttpServer } from './server.ts';

export interface ServeOptions extends ControllerOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: Limits;
  readonly cors: string | undefined;
}

export interface Served {
  readonly url: string;
  readonly controller: Controller;
  readonly stage: Stage;
  close(): Promise<void>;
}

/** @throws DaqError `already-served` if another controller has the lock; UsageError if the port cannot be had */
export async function serveController(options: ServeOptions): Promise<Served> {
  const { host, port, limits, cors, say, registry, advertise } = options;
  const controller = await Controller.start(options);
  const stage = { balance: () => controlBalance(controller), meters: controlMeters(controller) };
  const metrics = metricsText(stage, { command: 'map-control' });
  const reply = async () => ({ type: metrics.type, body: await metrics.text() });
  const server = new HttpServer({ routes: controlRoutes(controller, limits, reply), explain, cors, say });
  const close = async () => {
    await server.close();
    await controller.shutdown();
  };
  try {
    const bound = await server.listen(host, port);
    return { url: advertisedUrl(bound, thisHost(registry.redis), advertise), controller, stage, close };
  } catch (error) {
    await controller.shutdown();
    throw error;
  }
}
