#!/bin/sh
# Stands for the function of the arm64 package where the processor is another one.
exec qemu-aarch64-static "$ARM64_BINARY"
