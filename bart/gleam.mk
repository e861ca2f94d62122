# Laid into BART's tests/, the one hook that BART's Makefile reads late: after
# CPPFLAGS and MODULES_bart have their values, which an early += would replace.

MODULES_bart += $(MODULES_gleam)

$(eval $(call alib,gleam))

ifeq ($(GLEAM_GPU),1)
$(eval $(call alib,gpu))
CPPFLAGS += -DGLEAM_GPU
NVCCFLAGS += -DGLEAM_GPU

# BART's rule for .cu files does not see that a header has changed
define gpu_rule
$(1)/%.o: $(1)/%.cu
	$$(NVCC) $$(NVCCFLAGS) $(if $(filter 1,$(WERROR)),-Werror all-warnings) -MD -MT $$@ -MF $$(@D)/.$$(*F).d -c $$< -o $$@
endef

$(foreach d,$(srcdir)/gpu $(srcdir)/nn $(srcdir)/gleam utests/gleam,$(eval $(call gpu_rule,$(d))))
endif

ifeq ($(EMULATE),1)
$(eval $(call alib,emulator))
CPPFLAGS += -DGLEAM_EMULATE -I$(srcdir)/emulator/include
CXXFLAGS += $(if $(filter 1,$(WERROR)),-Werror) $(if $(filter 1,$(DEBUG)),-g)
LIBS += -lstdc++
endif

ifeq ($(DNNL),1)
CPPFLAGS += -DUSE_DNNL
LIBS += -ldnnl
endif

# unit tests: one program of all of utests/gleam/*.c on Criterion

gleam_unit_objs := $(patsubst %.c,%.o,$(wildcard utests/gleam/*.c))
gleam_unit_objs += $(patsubst %.cu,%.o,$(wildcard utests/gleam/*.cu)) $(patsubst %.cc,%.o,$(wildcard utests/gleam/*.cu.cc))

gleam_unit: $(gleam_unit_objs) $$(MODULES_gleam) $(MODULES)
	$(LINKER) $(LDFLAGS) $(CFLAGS) $(CPPFLAGS) $+ $(FFTW_L) $(CUDA_L) $(BLAS_L) $(PNG_L) $(LIBS) -lcriterion -lm $(LIBRT) -o $@

# BART as a library, its commands called one after the other (tests/e2e/bart.sh)

gleam_library: utests/library.o $(srcdir)/bart.o $$(MODULES_bart) $(MODULES)
	$(LINKER) $(LDFLAGS) $(CFLAGS) $(CPPFLAGS) $+ $(FFTW_L) $(CUDA_L) $(BLAS_L) $(PNG_L) $(ISMRM_L) $(LIBS) -lm $(LIBRT) -o $@

# what cuDNN supports, asked without a GPU (tests/e2e/cudnn.sh)

gleam_plans: utests/cudnn/plans.o utests/cudnn/driver/libcuda.so.1 $$(MODULES_gleam) $(MODULES)
	$(LINKER) $(LDFLAGS) $(CFLAGS) $(CPPFLAGS) $(filter-out %.so.1,$+) $(FFTW_L) $(CUDA_L) $(BLAS_L) $(PNG_L) $(LIBS) -lm $(LIBRT) -o $@

utests/cudnn/driver/libcuda.so.1: utests/cudnn/driver.c
	mkdir -p $(@D)
	$(CC) -Wall -Wextra -shared -fPIC -I$(CUDA_BASE)/include -Wl,-soname,libcuda.so.1 $< -o $@

# harnesses of our tests/fuzz/, one program each (tests/fuzz/run.sh): with libFuzzer's main, or FUZZ_MAIN=replay

fuzz_wrapped := malloc calloc realloc aligned_alloc strdup free mmap munmap madvise fopen fclose exit
fuzz_objs := $(patsubst %,utests/fuzz/%.o,fuzz held data $(FUZZ_MAIN))

src/gleam.o src/gleam_infer.o: CPPFLAGS += -include src/main.h

gleam_fuzz_%: utests/fuzz/%.o src/gleam.o src/gleam_infer.o $(fuzz_objs) $$(MODULES_gleam) $(MODULES)
	$(LINKER) $(LDFLAGS) $(CFLAGS) $(CPPFLAGS) $(FUZZ_LINK) $(fuzz_wrapped:%=-Wl,--wrap=%) $+ $(FFTW_L) $(BLAS_L) $(PNG_L) $(LIBS) -lm $(LIBRT) -o $@

# programs of our bench/, one each; a folder of that name would be in the way of the tool `bench`

gleam_bench_%: benchmarks/%.o $$(MODULES_gleam) $(MODULES)
	$(LINKER) $(LDFLAGS) $(CFLAGS) $(CPPFLAGS) $+ $(FFTW_L) $(CUDA_L) $(BLAS_L) $(PNG_L) $(LIBS) -lm $(LIBRT) -o $@
