# Laid into BART's tests/, the one hook that BART's Makefile reads late: after
# CPPFLAGS and MODULES_bart have their values, which an early += would replace.

MODULES_bart += $(MODULES_gleam)

$(eval $(call alib,gleam))

ifeq ($(DNNL),1)
CPPFLAGS += -DUSE_DNNL
LIBS += -ldnnl
endif

# unit tests: one program of all of utests/gleam/*.c on Criterion

gleam_unit_objs := $(patsubst %.c,%.o,$(wildcard utests/gleam/*.c))

gleam_unit: $(gleam_unit_objs) $$(MODULES_gleam) $(MODULES)
	$(LINKER) $(LDFLAGS) $(CFLAGS) $(CPPFLAGS) $+ $(FFTW_L) $(CUDA_L) $(BLAS_L) $(PNG_L) $(LIBS) -lcriterion -lm $(LIBRT) -o $@

# programs of our bench/, one each; a folder of that name would be in the way of the tool `bench`

gleam_bench_%: benchmarks/%.o $$(MODULES_gleam) $(MODULES)
	$(LINKER) $(LDFLAGS) $(CFLAGS) $(CPPFLAGS) $+ $(FFTW_L) $(CUDA_L) $(BLAS_L) $(PNG_L) $(LIBS) -lm $(LIBRT) -o $@
