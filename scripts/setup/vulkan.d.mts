/** The description of a Vulkan driver that needs no GPU: its path. */
export function findSwiftShader(): string | undefined;
