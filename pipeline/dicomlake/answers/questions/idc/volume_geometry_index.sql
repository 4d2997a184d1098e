-- A row for each CT, MR and PET series with positions, as volume_geometry_index of the Imaging Data Commons has them.
with only_stack as (
    select series_key, count(*) as stacks, any_value(obliquity_degrees) as obliquity_degrees, any_value(first_position) as first_position,
        any_value(ImageOrientationPatient) as ImageOrientationPatient, any_value(slice_spacing) as slice_spacing
    from stacks
    where not coalesce(list_contains(ImageType, 'LOCALIZER'), false)
    group by series_key
)
select
    series.SeriesInstanceUID,
    series.single_orientation,
    series.orthogonal_orientation,
    series.unique_slice_positions,
    series.consistent_in_plane_row,
    series.consistent_in_plane_col,
    series.consistent_pixel_spacing,
    series.consistent_image_dimensions,
    series.uniform_slice_spacing,
    case when only_stack.stacks = 1 then only_stack.obliquity_degrees end as obliquity_degrees,
    series.regularly_spaced_3d_volume,
    case when only_stack.stacks = 1 then only_stack.first_position end as origin_patient,
    case when only_stack.stacks = 1 then only_stack.ImageOrientationPatient end as ImageOrientationPatient,
    case when only_stack.stacks = 1 then only_stack.slice_spacing end as slice_spacing_mm
from series
join only_stack using (series_key)
where series.Modality in ('CT', 'MR', 'PT')
order by series.SeriesInstanceUID
