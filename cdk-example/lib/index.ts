export * from './binding';
export * from './code';
export * from './listener';
export * from './operations';
export * from './props';
export * from './provider';
