import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findChromium } from './chromium.mjs';
import { installPackages, onPath } from './packages.mjs';
import { SetupError } from './step.mjs';

const ICD = 'vk_swiftshader_icd.json';

/** Where packages of Chromium and Chrome put what belongs to the browser; the program on PATH may be a script. */
const FOLDERS = [
  '/usr/lib/chromium',
  '/usr/lib64/chromium',
  '/usr/lib/chromium-browser',
  '/usr/lib64/chromium-browser',
  '/snap/chromium/current/usr/lib/chromium-browser',
  '/opt/google/chrome',
];

/**
 * The description of SwiftShader, the Vulkan driver on the CPU that every Chromium brings: with it the webgpu provider
 * runs on machines without a GPU. `TINYSR_VULKAN_ICD` names another driver.
 *
 * @returns {string | undefined} its path
 */
export function findSwiftShader() {
  if (process.env.TINYSR_VULKAN_ICD) return process.env.TINYSR_VULKAN_ICD;
  const browser = findChromium();
  const beside = browser && existsSync(browser) ? [dirname(realpathSync(browser))] : [];
  return [...beside, ...FOLDERS].map((folder) => join(folder, ICD)).find((file) => existsSync(file));
}

/**
 * Makes sure that the webgpu provider finds a Vulkan loader and a driver on Linux; other systems have Metal or Direct3D.
 *
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<string>} the driver
 */
export async function setUpVulkan({ log }) {
  if (process.platform !== 'linux') return 'not needed';
  if (!hasLoader()) {
    await installPackages({
      problem: 'the Vulkan loader is missing',
      names: {
        'apt-get': [['libvulkan1']],
        dnf: [['vulkan-loader']],
        pacman: [['vulkan-icd-loader']],
      },
      otherwise: 'install the Vulkan loader (libvulkan.so.1)',
      log,
    });
  }
  const driver = findSwiftShader();
  if (driver) return driver;
  throw new SetupError(
    `${ICD} is missing, which Chromium brings; set TINYSR_VULKAN_ICD to the description of a Vulkan driver`,
  );
}

function hasLoader() {
  const program = onPath('ldconfig') ?? '/sbin/ldconfig';
  try {
    return execFileSync(program, ['-p'], { encoding: 'utf8' }).includes('libvulkan.so.1');
  } catch {
    // Systems without ldconfig have no list of libraries: the loader is taken to be there, and the test tells.
    return true;
  }
}
