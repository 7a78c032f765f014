// CUDA for a processor, as far as the kernels of this repository use it: tests run them without a card.
#pragma once

#define FARM_ON_CPU 1

#include "cpu/arithmetic.hpp"
#include "cpu/block.hpp"
#include "cpu/launch.hpp"
#include "cpu/memory.hpp"
#include "cpu/types.hpp"
#include "cpu/warp.hpp"
